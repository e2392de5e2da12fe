"""Where a client stands that says what it has: pure, after "How a client stays exact" in docs/protocol.md."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from tidemark.services.ports import Head

Verdict = Literal["current", "behind", "diverged"]


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What brings a client from what it has to `head`; `subscribed` if deltas of the view come to its connection."""

    head: Head
    verdict: Verdict
    subscribed: bool
    sections: tuple[str, ...]
    checksums: Mapping[str, str]
    """All of the head, or only `full` if the client has them all."""


def reconcile(
    head: Head, position: tuple[str, int] | None, have: Mapping[str, str], *, subscribed: bool
) -> Reconciliation:
    """Compare what a client says it has, a position and {section: checksum}, with the head.

    It is `current` if all is the same, and has `diverged` if its position is that of the head but a section that it
    named is not: nothing that it may have missed explains that. Otherwise it is `behind`.
    """
    expected = {name: head.checksums[name] for name in head.sections}
    same = have.keys() == expected.keys() and all(have[name] == value for name, value in expected.items())
    at_head = position == (head.epoch, head.seq)
    wrong = any(expected.get(name) != value for name, value in have.items())
    verdict: Verdict = "behind" if not at_head else "current" if same else "diverged" if wrong else "behind"
    return Reconciliation(
        head=head,
        verdict=verdict,
        subscribed=subscribed,
        sections=tuple(name for name, value in expected.items() if have.get(name) != value),
        checksums={"full": head.checksums["full"]} if same else head.checksums,
    )
