"""What the rollup has left undone: how much is due, what has failed, and doing it again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from tidemark.domain.closing import running_slot, slot_at
from tidemark.services.closing_ports import Due, RollupQueue
from tidemark.services.record import PastClosing, Record
from tidemark_cli.rollup.dead_letters import Letter


class Agenda(Protocol):
    """What is due."""

    def due_until(self, slot: str) -> Iterable[Due]:
        """Read what is due in a slot or in one before."""

    def find(self, due: Due) -> Due | None:
        """Read a due period; None if it is not due in that slot."""


class Letters(Protocol):
    """The dead letters."""

    def receive(self) -> Iterable[Letter]:
        """Receive every letter once."""

    def delete(self, letter: Letter) -> None:
        """Delete a letter."""

    def put_back(self, letter: Letter) -> None:
        """Show a letter to others again."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """What is due in a slot, and what of it has failed."""

    slot: str
    due: int
    workspaces: int
    failed: tuple[PastClosing, ...]


@dataclass(slots=True)
class Redriven:
    """What a redrive did: `sent` anew, letters `done_since` another run, letters `left` where they are."""

    sent: set[tuple[str, str]] = field(default_factory=set)
    views: int = 0
    done_since: int = 0
    left: int = 0
    unreadable: int = 0


def backlog(agenda: Agenda, record: Record, now: datetime) -> list[Backlog]:
    """Return every slot that holds something, oldest first; the coming run's slot only if something in it has failed.

    What is due in the coming run is no backlog: hours that are still open wait there. But a backfill, and late events,
    make hours due there too, and these may have failed.
    """
    now_seconds = int(now.timestamp())
    by_slot: dict[str, set[tuple[str, str]]] = {}
    for due in agenda.due_until(slot_at(now_seconds)):
        by_slot.setdefault(due.slot, set()).add((due.workspace, due.period))
    found = [_backlog(slot, due, record) for slot, due in sorted(by_slot.items())]
    return [each for each in found if each.failed or each.slot <= running_slot(now_seconds)]


def redrive(
    agenda: Agenda, record: Record, queue: RollupQueue, letters: Letters, now: datetime, workspace: str | None
) -> Redriven:
    """Queue again what has failed, of one workspace or (None) of all, and delete its dead letters.

    A period that has failed is still due, in the slot it was due in; so it is sent as it is. One that is not due any
    more was closed since. A letter is deleted only after its period has been sent.
    """
    done, stay = Redriven(), list[Letter]()
    for letter in letters.receive():
        if not letter.is_readable:
            done.unreadable += 1
            stay.append(letter)
        elif workspace is not None and letter.workspaces != {workspace}:
            done.left += 1
            stay.append(letter)
        else:
            _redo(letter, agenda, queue, done)
            letters.delete(letter)
    for letter in stay:  # not before all were received: it would be received again, and hidden once more
        letters.put_back(letter)
    for found in backlog(agenda, record, now):
        for closing in found.failed:
            due = Due(closing.workspace, closing.period, closing.slot)
            if workspace in (None, due.workspace) and (due.workspace, due.period) not in done.sent:
                _send(due, queue, done)
    return done


def _redo(letter: Letter, agenda: Agenda, queue: RollupQueue, done: Redriven) -> None:
    if letter.due is None:
        queue.send_views(letter.views)
        done.views += len(letter.views)
    elif agenda.find(letter.due) is None:
        done.done_since += 1
    else:
        _send(letter.due, queue, done)


def _send(due: Due, queue: RollupQueue, done: Redriven) -> None:
    queue.send([due])
    done.sent.add((due.workspace, due.period))


def _backlog(slot: str, due: set[tuple[str, str]], record: Record) -> Backlog:
    failed = (each for each in record.closings(slot) if each.has_failed and (each.workspace, each.period) in due)
    return Backlog(slot, len(due), len({workspace for workspace, _ in due}), tuple(failed))
