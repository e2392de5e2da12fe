"""`.local/outputs.json`: where the local run is and how to get in, for people, the CLI and tests."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from local.paths import OUTPUTS


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


def write_outputs(outputs: Outputs, path: Path = OUTPUTS) -> None:
    """Write the file in one step; only its owner may read it, for it holds credentials."""
    draft = path.with_suffix(".tmp")
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(asdict(outputs), indent=2) + "\n")
    draft.replace(path)


def read_outputs(path: Path = OUTPUTS) -> Outputs | None:
    """Return what the file holds; None if there is none, or it is from another version."""
    try:
        return Outputs(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        return None
