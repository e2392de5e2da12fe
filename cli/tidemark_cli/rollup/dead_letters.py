"""The rollup's queue and its dead letters: how many there are, and the letters themselves.

SQS can move dead letters back by itself (StartMessageMoveTask), but all or none, and not locally.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from tidemark.aws import clients
from tidemark.aws.rollup_queue import due_of, views_of
from tidemark.domain.errors import TidemarkError
from tidemark.domain.views import View
from tidemark.services.closing_ports import Due

HIDDEN_SECONDS = 300
"""For so long a letter that was received is not given to anybody else; one that was left alone then shows again."""
RECEIVED_AT_ONCE = 10
WAIT_SECONDS = 1
EMPTY_ANSWERS = 2
"""SQS asks some of its servers: one answer without letters does not say that there are none."""


@dataclass(frozen=True, slots=True)
class Depth:
    """Messages that wait, that are being worked on, and that are delayed; as SQS counts, approximately."""

    waiting: int
    in_work: int
    delayed: int


@dataclass(frozen=True, slots=True)
class Letter:
    """A job that failed too often: a period to close, or views to slide; neither if it cannot be read."""

    receipt: str
    body: str
    due: Due | None = None
    views: tuple[tuple[str, View], ...] = ()

    @classmethod
    def parse(cls, receipt: str, body: str) -> Letter:
        """Return a received message as what it asked for."""
        with suppress(ValueError, KeyError, TypeError, AttributeError, TidemarkError):
            asked: Any = json.loads(body)
            due = due_of(asked)
            return cls(receipt, body, due) if due else cls(receipt, body, None, tuple(views_of(asked)))
        return cls(receipt, body)

    @property
    def is_readable(self) -> bool:
        """Whether it says what to do."""
        return self.due is not None or bool(self.views)

    @property
    def workspaces(self) -> frozenset[str]:
        """The workspaces that it is about."""
        return frozenset({self.due.workspace} if self.due else {workspace for workspace, _ in self.views})


class DeadLetters:
    """The queue of jobs, and the one of those that failed."""

    def __init__(self, queue_url: str, dead_letter_queue_url: str) -> None:
        self._queue_url = queue_url
        self._url = dead_letter_queue_url

    def depths(self) -> tuple[Depth, Depth]:
        """Return what is in the queue, and in that of the dead letters."""
        return _depth(self._queue_url), _depth(self._url)

    def receive(self) -> Iterator[Letter]:
        """Receive every letter that is there, each once."""
        seen: set[str] = set()
        empty = 0
        while empty < EMPTY_ANSWERS:
            with clients.translated():
                answer = clients.sqs().receive_message(
                    QueueUrl=self._url,
                    MaxNumberOfMessages=RECEIVED_AT_ONCE,
                    VisibilityTimeout=HIDDEN_SECONDS,
                    WaitTimeSeconds=WAIT_SECONDS,
                )
            found = [message for message in answer.get("Messages", []) if message["MessageId"] not in seen]
            empty = 0 if found else empty + 1
            seen |= {message["MessageId"] for message in found}
            yield from (Letter.parse(message["ReceiptHandle"], message["Body"]) for message in found)

    @clients.translated()
    def delete(self, letter: Letter) -> None:
        """Delete a letter, when what it asked for is done or queued again."""
        clients.sqs().delete_message(QueueUrl=self._url, ReceiptHandle=letter.receipt)

    @clients.translated()
    def put_back(self, letter: Letter) -> None:
        """Show a letter again at once, to whoever asks next."""
        clients.sqs().change_message_visibility(QueueUrl=self._url, ReceiptHandle=letter.receipt, VisibilityTimeout=0)


@clients.translated()
def _depth(url: str) -> Depth:
    answer = clients.sqs().get_queue_attributes(
        QueueUrl=url,
        AttributeNames=[
            "ApproximateNumberOfMessages",
            "ApproximateNumberOfMessagesNotVisible",
            "ApproximateNumberOfMessagesDelayed",
        ],
    )
    found: Any = answer["Attributes"]
    return Depth(
        int(found["ApproximateNumberOfMessages"]),
        int(found["ApproximateNumberOfMessagesNotVisible"]),
        int(found["ApproximateNumberOfMessagesDelayed"]),
    )
