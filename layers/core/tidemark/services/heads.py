"""How the head of a view moves: its next position and checksums, and the delta that leads there."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from tidemark.domain.snapshot import checksums_of
from tidemark.services.ports import Delta, Head

MAX_PATCH_BYTES = 30_000
"""A larger patch would not fit a frame of 32 KB: the view starts a new epoch instead, and clients bootstrap."""


def moved(
    previous: Head | None, draft: Head, patch: Mapping[str, Any], now: datetime, new_epoch: Callable[[], str]
) -> tuple[Head, Delta | None]:
    """Return the head of a `draft`, to which `patch` leads from `previous`, and its delta if it shows something new.

    Position, time and checksums are made here; the draft's are not used.
    """
    epoch, seq = _next(previous, patch, draft.definition, new_epoch)
    kept = {name: previous.checksums[name] for name in draft.sections if name not in patch} if previous else {}
    generated_at = now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    checksums = checksums_of(draft.sections, kept)
    head = replace(draft, epoch=epoch, seq=seq, generated_at=generated_at, checksums=checksums)
    return head, _delta(previous, head, patch)


def _next(
    previous: Head | None, patch: Mapping[str, Any], definition: str, new_epoch: Callable[[], str]
) -> tuple[str, int]:
    """Return the position that follows `previous`; where no delta can lead from one to the other, an epoch begins."""
    large = len(json.dumps(patch, ensure_ascii=False).encode()) > MAX_PATCH_BYTES
    if previous is None or previous.definition != definition or large:
        return new_epoch(), (previous.seq if previous else 0) + 1
    return previous.epoch, previous.seq + bool(patch)


def _delta(previous: Head | None, head: Head, patch: Mapping[str, Any]) -> Delta | None:
    """Return the delta that leads to `head`, None if it shows the same; the first of an epoch only announces it."""
    if previous and previous.seq == head.seq:
        return None
    if previous is None or previous.epoch != head.epoch:
        patch = {}
    # `full` covers every section; whoever applied the patch can compute the others.
    checksums = {"full": head.checksums["full"]}
    return Delta(head.epoch, head.seq - 1, head.seq, patch, checksums, head.generated_at)
