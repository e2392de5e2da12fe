"""A cell's ledger, read as the chain of commits that it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tidemark.services.ports import Commit


def history(entries: Iterable[Commit], commit: str) -> Iterator[Commit]:
    """Yield the entry of `commit` and those before it, newest first; orphans are not among them."""
    ledger = {entry.commit: entry for entry in entries}
    entry = ledger.get(commit)
    while entry is not None:
        yield entry
        entry = ledger.get(entry.previous)
