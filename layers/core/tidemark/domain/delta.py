"""Deltas: RFC 7396 merge patches of absolute values.

Snapshots hold no null and no list that changes in part, so a merge patch says every change, and
`apply(old, diff(old, new)) == new` for all snapshots.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def diff(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Return the patch that leads from `old` to `new`; empty if they are equal."""
    patch: dict[str, Any] = {name: None for name in old if name not in new}
    for name, value in new.items():
        if name not in old:
            patch[name] = value
        elif isinstance(value, Mapping) and isinstance(old[name], Mapping):
            if inner := diff(old[name], value):
                patch[name] = inner
        elif not _same(old[name], value):
            patch[name] = value
    return patch


def apply(document: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """Return `document` with `patch` applied; neither is changed."""
    result = dict(document)
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        elif isinstance(value, Mapping):
            inner = result.get(name)
            result[name] = apply(inner if isinstance(inner, Mapping) else {}, value)
        else:
            result[name] = value
    return result


def compose(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the one patch that does what `first` and then `second` do; None if no merge patch can.

    That is so where `second` changes an object that `first` has put in the place of something else, or removed: a merge
    patch cannot say that nothing of the former may stay. The values are absolute, so the composed patch also leads from
    what `first` alone has made to the same end.
    """
    patch = dict(first)
    for name, value in second.items():
        if name in first and isinstance(value, Mapping):
            inner = first[name]
            both = compose(inner, value) if isinstance(inner, Mapping) else None
            if both is None:
                return None
            patch[name] = both
        else:
            patch[name] = value
    return patch


def _same(one: Any, other: Any) -> bool:
    """Answer whether two values are the same JSON; Python alone holds 1 and True, also in lists, to be equal."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return not diff(one, other)
    return type(one) is type(other) and bool(one == other)
