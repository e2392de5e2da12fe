"""A client's copy of a view stays exact whatever the network does to the deltas."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemark.domain.delta import diff
from tidemark.domain.snapshot import checksums_of
from tidemark_cli.replica import Assembly, MalformedError, Position, Replica, Verdict

State = dict[str, Any]

states = st.dictionaries(
    st.sampled_from(["kpis", "charts", "tabs.overview"]),
    st.dictionaries(
        st.sampled_from("abcd"), st.integers(0, 3) | st.dictionaries(st.sampled_from("xy"), st.integers(0, 2))
    ),
)


def snapshot(state: State, seq: int, sections: list[str] | None = None, epoch: str = "e") -> Assembly:
    names = list(state) if sections is None else sections
    head = {
        "type": "snapshot",
        "position": {"epoch": epoch, "seq": seq},
        "checksums": checksums_of(state),
        "sections": names,
        "generated_at": "2026-11-22T10:00:00.000Z",
    }
    assembly = Assembly(head)
    for name in names:
        assembly.add({"section": name, "part": 0, "parts": 1, "data": state[name]})
    assert assembly.complete
    return assembly


def delta(old: State, new: State, base: int, seq: int, epoch: str = "e") -> dict[str, Any]:
    patch, sums = diff(old, new), checksums_of(new)
    return {
        "epoch": epoch,
        "base": base,
        "seq": seq,
        "patch": patch,
        "checksums": {"full": sums["full"]},
    }


def test_a_new_replica_has_missed_everything() -> None:
    assert Replica().receive(delta({}, {"kpis": {"a": 1}}, 0, 1)) is Verdict.MISSED


@given(history=st.lists(states, min_size=1, max_size=6), data=st.data())
def test_deltas_lost_doubled_or_out_of_order_never_leave_a_wrong_state(
    history: list[State], data: st.DataObject
) -> None:
    replica = Replica()
    assert replica.install(snapshot(history[0], 0))
    deltas = [delta(old, new, seq, seq + 1) for seq, (old, new) in enumerate(pairwise(history))]
    arriving = data.draw(st.lists(st.sampled_from(deltas), max_size=12)) if deltas else []
    for each in arriving:
        before = replica.position
        verdict = replica.receive(each)
        assert before is not None
        if each["seq"] <= before.seq:
            assert verdict is Verdict.DUPLICATE
        elif each["base"] > before.seq:
            assert verdict is Verdict.MISSED
        else:
            assert verdict is Verdict.APPLIED
        assert replica.position is not None
        assert replica.sections == history[replica.position.seq]
        assert replica.checksums == checksums_of(replica.sections)


def test_another_epoch_is_a_gap() -> None:
    replica = Replica()
    replica.install(snapshot({"kpis": {"a": 1}}, 5))
    assert replica.receive(delta({}, {}, 5, 6, epoch="other")) is Verdict.MISSED


def test_a_delta_whose_checksum_does_not_fit_is_not_applied() -> None:
    replica = Replica()
    replica.install(snapshot({"kpis": {"a": 1}}, 0))
    wrong = delta({"kpis": {"a": 1}}, {"kpis": {"a": 2}}, 0, 1)
    wrong["patch"] = {"kpis": {"a": 3}}
    assert replica.receive(wrong) is Verdict.MISMATCH
    assert (replica.sections, replica.position) == ({"kpis": {"a": 1}}, Position("e", 0))


def test_a_snapshot_that_leaves_out_what_the_client_has_keeps_it_and_drops_what_is_gone() -> None:
    replica = Replica()
    replica.install(snapshot({"kpis": {"a": 1}, "charts": {}, "tabs.old": {}}, 0))
    now = {"kpis": {"a": 1}, "charts": {"b": 2}}
    assert replica.install(snapshot(now, 7, sections=["charts"]))
    assert replica.sections == now
    assert replica.position == Position("e", 7)


def test_a_snapshot_whose_checksums_do_not_fit_is_noticed() -> None:
    assembly = snapshot({"kpis": {"a": 1}}, 0)
    assembly.head["checksums"]["kpis"] = "0" * 64
    assert not Replica().install(assembly)


def test_parts_are_joined_in_their_order_however_they_come() -> None:
    section = {"points": {str(n): "é" * 9 for n in range(9)}}
    text = json.dumps(section)
    cuts = [text[:50], text[50:60], text[60:]]
    assembly = Assembly({"sections": ["charts"], "checksums": {}})
    for part in (2, 0, 2, 1):
        assert not assembly.complete
        assembly.add({"section": "charts", "part": part, "parts": 3, "data": cuts[part]})
    assert assembly.complete
    assert assembly.sections == {"charts": section}


@pytest.mark.parametrize(
    "message", [{"section": "kpis", "part": 0, "parts": 1}, {"section": "charts", "part": 2, "parts": 2}]
)
def test_a_part_that_was_not_announced_is_refused(message: dict[str, Any]) -> None:
    with pytest.raises(MalformedError):
        Assembly({"sections": ["charts"]}).add({**message, "data": {}})
