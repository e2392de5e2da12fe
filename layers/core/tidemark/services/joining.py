"""Deltas that are to be sent together, as few messages as lead to the same end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from tidemark import wire
from tidemark.domain.delta import compose
from tidemark.services.heads import MAX_PATCH_BYTES
from tidemark.services.ports import Delta


def joined(deltas: Iterable[Delta]) -> list[Delta]:
    """Return the deltas of a view, in order, as few as lead to the same end and fit their frames.

    They come together where they come faster than they are pushed, and to a viewer who was away: then a message for all
    is what catches up.
    """
    found: list[Delta] = []
    for delta in deltas:
        last = found[-1] if found else None
        patch = compose(last.patch, delta.patch) if last and _follows(delta, last) else None
        if last is None or patch is None or len(wire.encode(dict(patch))) > MAX_PATCH_BYTES:
            found.append(delta)
        else:
            found[-1] = replace(delta, base=last.base, patch=patch)
    return found


def _follows(delta: Delta, last: Delta) -> bool:
    return delta.epoch == last.epoch and delta.base == last.seq
