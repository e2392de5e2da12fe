"""What a local run leaves for others.

`.local/outputs.json` says where it is and how to get in, for people, the CLI and tests; `.local/sam-env.json` holds the
variables that `sam local invoke --env-vars` gives to functions, so that they find the deployed tables.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from local.paths import OUTPUTS, SAM_ENVIRONMENT


@dataclass(frozen=True, slots=True)
class Outputs:
    """What the file holds."""

    http_url: str
    websocket_url: str
    dashboard_url: str
    workspace: str
    write_key: str
    read_token: str
    admin_token: str
    endpoint_url: str
    stack: str
    region: str
    operator_token: str = ""
    admin_url: str = ""
    """These two are not in the file of an older version."""


def write_outputs(outputs: Outputs, path: Path = OUTPUTS) -> None:
    """Write the file in one step; only its owner may read it, for it holds credentials."""
    draft = path.with_suffix(".tmp")
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(asdict(outputs), indent=2) + "\n")
    draft.replace(path)


def write_sam_environment(endpoint_url: str, stack: Mapping[str, str], path: Path = SAM_ENVIRONMENT) -> None:
    """Write the variables of functions for `sam local invoke`, by the outputs of the deployed stack."""
    tables = {f"{name.removesuffix('Table').upper()}_TABLE": stack[name] for name in stack if name.endswith("Table")}
    found = {
        "AWS_ENDPOINT_URL": endpoint_url,
        "CALLBACK_ENDPOINT": stack["WebSocketUrl"].replace("ws://", "http://"),
        "TOKEN_SECRET_ARN": stack["TokenSecretArn"],
        "HTTP_URL": stack["HttpUrl"],
        "WEBSOCKET_URL": stack["WebSocketUrl"],
        "ROLLUP_QUEUE_URL": stack["RollupQueueUrl"],
        "ARCHIVE_QUEUE_URL": stack["ArchiveQueueUrl"],
        "ANALYSIS_QUEUE_URL": stack["AnalysisQueueUrl"],
        "ANALYSIS_DEAD_LETTERS_URL": stack["AnalysisDeadLettersUrl"],
        "ARCHIVE_BUCKET": stack["ArchiveBucket"],
    }
    path.write_text(json.dumps({"Parameters": tables | found}, indent=2) + "\n")


def read_outputs(path: Path = OUTPUTS) -> Outputs | None:
    """Return what the file holds; None if there is none, or it is from another version."""
    try:
        return Outputs(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        return None
