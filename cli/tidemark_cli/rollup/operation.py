"""The adapters of a stack's rollup, with the operator's credentials."""

from __future__ import annotations

import time
from dataclasses import dataclass

from tidemark.aws.agenda import DynamoAgenda
from tidemark.aws.cells import DynamoCells
from tidemark.aws.event_log import DynamoEventLog
from tidemark.aws.record import DynamoRecord
from tidemark.aws.rollup_queue import SqsRollupQueue
from tidemark.aws.runs import DynamoRuns
from tidemark.services.closing_ports import RollupQueue
from tidemark.services.dispatch import Dispatch
from tidemark_cli.rollup.dead_letters import DeadLetters
from tidemark_cli.stack import Stack


@dataclass(frozen=True, slots=True)
class Operation:
    """What an operator needs of the rollup."""

    agenda: DynamoAgenda
    record: DynamoRecord
    queue: SqsRollupQueue
    dead_letters: DeadLetters
    event_log: DynamoEventLog
    cells: DynamoCells
    runs: DynamoRuns

    @classmethod
    def of(cls, stack: Stack) -> Operation:
        """Return those of a stack."""
        stack.lend()
        return cls(
            DynamoAgenda(stack.work_table),
            DynamoRecord(stack.work_table),
            SqsRollupQueue(stack.rollup_queue_url),
            DeadLetters(stack.rollup_queue_url, stack.rollup_dead_letter_queue_url),
            DynamoEventLog(stack.events_table),
            DynamoCells(stack.cells_table),
            DynamoRuns(stack.work_table),
        )

    def dispatch(self, queue: RollupQueue) -> Dispatch:
        """Return what finds the hours of a range and sends them to `queue`."""
        return Dispatch(self.agenda, queue, self.runs, time.monotonic)
