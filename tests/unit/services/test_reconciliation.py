"""The verdict on what a client says it has, for all that it may say."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tidemark.domain.snapshot import checksums_of
from tidemark.services.ports import Head
from tidemark.services.reconciliation import reconcile

NAMES = st.sampled_from(["kpis", "charts", "tabs.overview"])
SECTIONS = st.dictionaries(NAMES, st.dictionaries(st.sampled_from("ab"), st.integers(0, 2)))
HEADS = SECTIONS.filter(bool)  # a dashboard has kpis at least
POSITIONS = st.none() | st.tuples(st.sampled_from(["e", "other"]), st.integers(6, 8))


def head_of(sections: dict[str, Any]) -> Head:
    return Head("e", 7, "2026-11-22T10:00Z", 0, "d", "2026-11-22T10:00:00.000Z", sections, checksums_of(sections))


@given(theirs=SECTIONS, ours=HEADS, position=POSITIONS, subscribed=st.booleans())
def test_a_client_is_whole_after_it_has_taken_the_answer(
    theirs: dict[str, Any], ours: dict[str, Any], position: tuple[str, int] | None, subscribed: bool
) -> None:
    have = {name: value for name, value in checksums_of(theirs).items() if name != "full"}
    found = reconcile(head_of(ours), position, have, subscribed=subscribed)
    after = theirs | {name: ours[name] for name in found.sections}
    if found.checksums.keys() != {"full"}:
        after = {name: after[name] for name in found.checksums if name != "full"}
    assert after == ours
    assert checksums_of(after)["full"] == found.checksums["full"]
    assert not [name for name in found.sections if theirs.get(name) == ours[name]], "what is had already travels"
    assert found.subscribed is subscribed


@given(theirs=SECTIONS, ours=HEADS, position=POSITIONS)
def test_the_verdict_is_what_the_protocol_says(
    theirs: dict[str, Any], ours: dict[str, Any], position: tuple[str, int] | None
) -> None:
    have = {name: value for name, value in checksums_of(theirs).items() if name != "full"}
    verdict = reconcile(head_of(ours), position, have, subscribed=True).verdict
    if position != ("e", 7):
        assert verdict == "behind"
    elif theirs == ours:
        assert verdict == "current"
    else:
        wrong = [name for name in theirs if theirs[name] != ours.get(name)]
        assert verdict == ("diverged" if wrong else "behind")
