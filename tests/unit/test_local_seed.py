"""Seeding sends what a stack lacks, once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest

from local import seed
from local.outputs import Outputs, read_outputs, write_outputs

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
OUTPUTS = Outputs("http://h", "ws://w", "http://h/dashboard", "demo", "tmk_1", "r", "a", "http://e", "tidemark", "x")


class Recorder:
    """Stands for the sender: keeps what it is given."""

    sent: ClassVar[list[dict[str, Any]]] = []

    def __init__(self, *_: Any) -> None:
        pass

    def __enter__(self) -> Recorder:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def send(self, events: Sequence[dict[str, Any]]) -> None:
        assert len(events) <= 2500
        Recorder.sent.extend(events)


@pytest.fixture(autouse=True)
def recorder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> type[Recorder]:
    monkeypatch.setattr(seed, "MARKER", tmp_path / "seeded.json")
    monkeypatch.setattr(seed, "Sender", Recorder)
    monkeypatch.setattr(seed, "wait_for_pageviews", lambda _outputs, _expected: None)
    Recorder.sent = []
    return Recorder


def test_a_new_stack_gets_a_month_and_nothing_of_the_future(recorder: type[Recorder]) -> None:
    count = seed.seed(OUTPUTS, "stack-1", NOW)
    assert count == len(recorder.sent) > 10_000
    times = [datetime.fromisoformat(event["timestamp"]) for event in recorder.sent]
    assert max(times) <= NOW
    assert sum(event["type"] == "meeting_completed" for event in recorder.sent) == 120


def test_seeding_again_sends_only_what_has_happened_since(recorder: type[Recorder]) -> None:
    seed.seed(OUTPUTS, "stack-1", NOW)
    first = {event["event_id"] for event in recorder.sent}
    recorder.sent.clear()
    assert seed.seed(OUTPUTS, "stack-1", NOW) == 0
    assert seed.seed(OUTPUTS, "stack-1", NOW + timedelta(hours=3)) > 0
    assert not first & {event["event_id"] for event in recorder.sent}


def test_another_stack_gets_everything(recorder: type[Recorder]) -> None:
    count = seed.seed(OUTPUTS, "stack-1", NOW)
    assert seed.seed(OUTPUTS, "stack-2", NOW) == count


def test_outputs_are_read_as_they_were_written_and_kept_private(tmp_path: Path) -> None:
    path = tmp_path / "outputs.json"
    assert read_outputs(path) is None
    write_outputs(OUTPUTS, path)
    assert read_outputs(path) == OUTPUTS
    assert path.stat().st_mode & 0o077 == 0
    path.write_text('{"of": "another version"}')
    assert read_outputs(path) is None
