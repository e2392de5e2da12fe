"""The pure parts of `tidemark erase`: whom it is about, and what is compared afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pytest

from tests.support.strategies import event
from tidemark.domain.chunks import Chunk
from tidemark.services.ports import LoggedChunk, Workspace
from tidemark_cli.erasure.subject import Subject, chosen_subject
from tidemark_cli.erasure.sweep import Sweep, Swept, changed
from tidemark_cli.errors import UsageError

HOUR, OTHER = "2026-11-22T10:00Z", "2026-11-22T11:00Z"
ANN = Subject("user", "ann")


def visit(number: int, **ids: str) -> dict[str, Any]:
    return event(f"e{number}", "2026-11-22T10:00:00.000Z", **ids)


class Log:
    """A log in memory."""

    def __init__(self, *chunks: Sequence[dict[str, Any]], expires_at: int = 100) -> None:
        self._chunks = [
            LoggedChunk(Chunk("demo", HOUR, number % 2, f"{number:032x}", tuple(events)), "", expires_at)
            for number, events in enumerate(chunks)
        ]

    def read(self, workspace: str, hour: str, shard: int) -> Iterable[LoggedChunk]:
        assert workspace == "demo"
        return [each for each in self._chunks if (each.chunk.hour, each.chunk.shard) == (hour, shard)]


def swept(log: Log, wanted: Iterable[str] = (HOUR,)) -> Swept:
    return Sweep(Workspace("demo", shards=((0, 2),)), ANN, log)([HOUR], set(wanted), lambda _: None)[HOUR]


def test_a_subject_is_matched_by_its_own_field_alone() -> None:
    assert ANN.matches(visit(1, user_id="ann"))
    assert not ANN.matches(visit(1, anonymous_id="ann", session_id="ann"))
    assert not ANN.matches(visit(1, user_id="Ann"))
    assert not ANN.matches(event("e", "2026-11-22T10:00:00.000Z", user_id_="ann"))
    assert Subject("session", "s").matches(visit(1, user_id="x", session_id="s"))


def test_subjects_of_different_kinds_have_different_keys_and_none_shows_the_id() -> None:
    keys = {Subject(kind, "ann").key for kind in ("user", "anonymous", "session")}
    assert len(keys) == 3
    assert not any("ann" in key for key in keys)


@pytest.mark.parametrize(
    "given", [(None, None, None), ("a", "b", None), ("", None, None), (None, None, "x" * 257), ("\ud800", None, None)]
)
def test_exactly_one_id_that_an_event_may_have_is_taken(given: tuple[str | None, str | None, str | None]) -> None:
    with pytest.raises(UsageError):
        chosen_subject(*given)


def test_an_id_is_shown_without_what_would_steer_a_terminal() -> None:
    assert str(chosen_subject(None, "\x1b[2Jx", None)) == "anonymous \ufffd[2Jx"


def test_a_sweep_counts_in_every_shard_and_keeps_only_what_matters() -> None:
    log = Log(
        [visit(1, user_id="ann", anonymous_id="n"), visit(2, user_id="bob", anonymous_id="m")],
        [visit(3, user_id="ann")],
        [visit(4)],
    )
    found = swept(log, ())
    assert (found.events, found.found, len(found.rest), found.companions) == (4, 2, 3, {"n"})
    told: list[Swept] = []
    sweep = Sweep(Workspace("demo", shards=((0, 2),)), Subject("user", "eve"), log)
    assert sweep([HOUR, OTHER], (), told.append) == {}
    assert [(each.hour, each.events) for each in told] == [(HOUR, 4), (OTHER, 0)]
    assert set(sweep([HOUR, OTHER], {OTHER}, told.append)) == {OTHER}


def test_taking_the_subject_out_changes_nothing_of_others() -> None:
    ann, bob = visit(1, user_id="ann"), visit(2, user_id="bob")
    before, after = swept(Log([ann, bob], [ann])), swept(Log([bob], []))
    assert changed(before, after, 0) == []
    assert before.checksum(before.rest) == after.checksum(before.rest)


def test_an_event_of_others_that_is_gone_or_is_another_is_seen() -> None:
    ann, bob = visit(1, user_id="ann"), visit(2, user_id="bob")
    before = swept(Log([ann, bob]))
    for after in (swept(Log([])), swept(Log([visit(2, user_id="rob")]))):
        assert changed(before, after, 0) == [(0, "0" * 32)]
        assert before.checksum(before.rest) != after.checksum(before.rest)


def test_what_has_come_since_is_not_compared_and_what_has_ended_is_not_missed() -> None:
    bob = visit(2, user_id="bob")
    before = swept(Log([bob], expires_at=100))
    assert changed(before, swept(Log([bob], [visit(3, user_id="bob")])), 0) == []
    assert changed(before, swept(Log()), 99) == [(0, "0" * 32)]
    assert changed(before, swept(Log()), 100) == []
