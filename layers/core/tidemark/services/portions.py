"""Long listings, taken in portions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

PORTION = 100

Item = TypeVar("Item")


def portions(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Yield the items, 100 at a time, as they come."""
    iterator = iter(items)
    while portion := list(islice(iterator, PORTION)):
        yield portion
