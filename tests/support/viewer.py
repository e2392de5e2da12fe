"""A viewer that follows docs/protocol.md, and what heads and deltas promise it."""

from __future__ import annotations

import json
from datetime import datetime
from itertools import pairwise
from typing import Any

from tidemark.domain.delta import apply
from tidemark.domain.snapshot import checksums_of
from tidemark.services.ports import Delta, Head


class Viewer:
    """A client as the protocol describes it: a position, sections and the rules of deltas; subscribed `until` then."""

    def __init__(self, head: Head, until: datetime) -> None:
        self.until = until
        self.epoch, self.seq = head.epoch, head.seq
        self.sections: dict[str, Any] = json.loads(json.dumps(head.sections))
        self.lost = False

    def take(self, message: dict[str, Any]) -> None:
        """Apply a delta that leads on, ignore one that is had already, and else know that something is missing."""
        if message["epoch"] == self.epoch and message["base"] <= self.seq < message["seq"]:
            self.sections = apply(self.sections, message["patch"])
            self.seq = message["seq"]
            checksums = checksums_of(self.sections)
            assert all(checksums[name] == value for name, value in message["checksums"].items())
        elif message["epoch"] != self.epoch or message["seq"] > self.seq:
            self.lost = True


def assert_lead_on(heads: list[Head], deltas: list[Delta]) -> None:
    """Every head leads to each later one of its epoch by the deltas between them, and seq grows by one a delta."""
    by_seq = {delta.seq: delta for delta in deltas}
    assert all(delta.base == delta.seq - 1 for delta in deltas)
    assert sorted(by_seq) == list(range(1, heads[-1].seq + 1))
    for earlier, later in pairwise(heads):
        assert (later.seq, later.basis) != (earlier.seq, earlier.basis)
        assert later.hour >= earlier.hour
        assert earlier.seq <= later.seq <= earlier.seq + 1
        if later.epoch == earlier.epoch:
            assert (later.seq > earlier.seq) == (later.sections != earlier.sections)
        else:
            assert later.seq > earlier.seq
    sections, seq = dict(heads[0].sections), heads[0].seq
    for head in heads:
        if head.seq > seq and by_seq[head.seq].epoch != by_seq[seq].epoch:
            sections = dict(head.sections)  # a new epoch: clients bootstrap
        elif head.seq > seq:
            sections = apply(sections, by_seq[head.seq].patch)
        seq = head.seq
        assert sections == head.sections
        assert checksums_of(sections) == head.checksums
        assert by_seq[seq].checksums["full"] == head.checksums["full"]
