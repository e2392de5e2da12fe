"""A view's exact state as a client holds it: pure, after "How a client stays exact" in docs/protocol.md."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from tidemark.domain.delta import apply
from tidemark.domain.snapshot import checksums_of

Message = dict[str, Any]
"""A message as it came from the server."""


class Verdict(Enum):
    """What became of a delta."""

    APPLIED = "applied"
    DUPLICATE = "duplicate"
    MISSED = "missed"
    """Its base is not among what we have: something before it is missing."""
    MISMATCH = "mismatch"
    """Its result is not what the server has, so it was not applied."""


class MalformedError(Exception):
    """The server sent what the protocol does not allow."""


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a view's delta log."""

    epoch: str
    seq: int

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Position:
        """Return the position in a message."""
        return cls(raw["epoch"], raw["seq"])

    def as_dict(self) -> dict[str, Any]:
        """Return the position as it stands on the wire."""
        return {"epoch": self.epoch, "seq": self.seq}


class Assembly:
    """A `snapshot` or `reconciled` on its way: its head, and the sections that have arrived so far, parts joined."""

    def __init__(self, head: Message) -> None:
        self.head = head
        self.sections: dict[str, Any] = {}
        self._parts: dict[str, dict[int, str]] = {}

    @property
    def complete(self) -> bool:
        """Whether every section that the head announced is here."""
        return set(self.head["sections"]) <= set(self.sections)

    def add(self, message: Message) -> None:
        """Take one `section` message; parts may come in any order and more than once."""
        name, part, parts = message["section"], message["part"], message["parts"]
        if name not in self.head["sections"] or not 0 <= part < parts:
            raise MalformedError(f"part {part} of {parts} of section {name!r} was not announced")
        if parts == 1:
            self.sections[name] = message["data"]
            return
        received = self._parts.setdefault(name, {})
        received[part] = message["data"]
        if len(received) == parts:
            self.sections[name] = json.loads("".join(received[index] for index in range(parts)))


@dataclass(slots=True)
class Replica:
    """The sections of one view and the position that they stand for; position None before the first snapshot."""

    position: Position | None = None
    sections: dict[str, Any] = field(default_factory=dict)
    checksums: dict[str, str] = field(default_factory=dict)
    """Computed here, from the sections; never copied from a message."""
    generated_at: str = ""
    """When the server made the last snapshot, in its own words; deltas carry no time."""

    def have(self) -> dict[str, str]:
        """Return the checksum of each section, for the next `bootstrap`."""
        return {name: value for name, value in self.checksums.items() if name != "full"}

    def install(self, assembly: Assembly) -> bool:
        """Move to a complete state, keeping the sections that were left out; answer whether the checksums agree.

        A `reconciled` that announces only `full` says that nothing differs.
        """
        announced = assembly.head["checksums"]
        known = {**self.sections, **assembly.sections}
        same = assembly.head["type"] == "reconciled" and announced.keys() == {"full"}
        self.sections = {name: known[name] for name in (known if same else announced) if name in known}
        self.checksums = checksums_of(self.sections)
        self.position = Position.parse(assembly.head["position"])
        self.generated_at = assembly.head["generated_at"]
        return self.agrees(announced)

    def agrees(self, announced: Mapping[str, str]) -> bool:
        """Answer whether checksums that the server named are those of the sections here."""
        return all(self.checksums.get(name) == value for name, value in announced.items())

    def receive(self, delta: Message) -> Verdict:
        """Apply a delta that leads on from what is here, and compare the checksums."""
        position = self.position
        if position is None or delta["epoch"] != position.epoch:
            return Verdict.MISSED
        if delta["seq"] <= position.seq:
            return Verdict.DUPLICATE
        if delta["base"] > position.seq:
            return Verdict.MISSED
        sections = apply(self.sections, delta["patch"])
        untouched = {name: value for name, value in self.have().items() if name not in delta["patch"]}
        checksums = checksums_of(sections, untouched)
        if any(checksums.get(name) != value for name, value in delta["checksums"].items()):
            return Verdict.MISMATCH
        self.sections, self.checksums = sections, checksums
        self.position = Position(position.epoch, delta["seq"])
        return Verdict.APPLIED
