"""The shim `ttl_stream_records`: an expired item leaves the table as a REMOVE of the service."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from local.paths import MINISTACK_VENV, ROOT

PROBE = Path(__file__).parent / "ttl_probe.py"


def test_an_expired_item_reaches_the_stream_as_a_removal_by_the_service(tmp_path: Path) -> None:
    done = subprocess.run(
        [MINISTACK_VENV / "bin" / "python", PROBE],
        env={"PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    removed = [record for record in json.loads(done.stdout) if record["eventName"] == "REMOVE"]
    assert [record["dynamodb"]["Keys"] for record in removed] == [{"pk": {"S": "gone"}}]
    assert removed[0]["userIdentity"] == {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
    assert removed[0]["awsRegion"] == "eu-west-1"
