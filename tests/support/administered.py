"""The administration over DynamoDB (moto): batches and jobs in every state, and whoever asks about them."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote, urlencode

import boto3
import pytest

from tests.gateway import Answer, Gateway
from tidemark import bootstrap
from tidemark.administration import administration
from tidemark.analysis import analysis
from tidemark.aws import clients
from tidemark.domain import insights, jobs
from tidemark.domain.chunks import chunk_events
from tidemark.domain.credentials import TokenRole, issue_token
from tidemark.domain.insights import Claim, Figure, Insight
from tidemark.domain.jobs import DeadLetter, JobError
from tidemark.domain.operations import operations_workspace
from tidemark.domain.workspace import OPERATIONS, Workspace
from tidemark.http.app import create_app
from tidemark.services.job_ports import Listed, Written
from tidemark.services.ports import LoggedChunk
from tidemark.settings import settings
from tidemark_cli.admin import Admin

ACME, OTHER = "acme", "other"
BUCKET = "archive"
SIZE = 3
"""Events of a full batch."""
INSIGHT = Insight(
    "Nothing unusual.",
    0.7,
    (Claim("change", "Fewer events than usual.", 0.6, (Figure("events", 3, 9, "count"),)),),
    ("Look at the page.",),
    "statistical",
    "statistical/1",
    "2026-11-22T10:00:00.000Z",
    "2026-11-22T10:02:00.000Z",
    SIZE,
)
ERROR = JobError("provider_unavailable", "it did not answer")


class Administered:
    """Workspaces with batches, and the API as somebody with a token of one sees it; `now` may be moved."""

    def __init__(self, tables: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, now: datetime) -> None:
        self.tables, self.now = tables, now
        self.sqs: Any = boto3.client("sqs")
        self.queue_url = self.sqs.create_queue(QueueName="analysis", Attributes={"VisibilityTimeout": "0"})["QueueUrl"]
        monkeypatch.setenv("ANALYSIS_QUEUE_URL", self.queue_url)
        monkeypatch.setenv("ANALYSIS_PROVIDER", "statistical")
        monkeypatch.setenv("BREAKER_SECONDS", "600")
        boto3.client("s3").create_bucket(Bucket=BUCKET)
        monkeypatch.setenv("ARCHIVE_BUCKET", BUCKET)
        settings.cache_clear()
        bootstrap.container.cache_clear()
        self.directory = Admin(clients.dynamodb(), tables.directory)
        for name in (ACME, OTHER):
            self.directory.create_workspace(Workspace(name, batch_events=SIZE, created_at="2026-11-01T00:00:00Z"))
        self.directory.create_workspace(operations_workspace(now))
        self.app = create_app(bootstrap.container(), clock=lambda: self.now, administration=administration())
        self.api = Gateway(self.app)

    @property
    def seconds(self) -> int:
        return int(self.now.timestamp())

    def ask(self, method: str, path: str, body: Any = None, **given: Any) -> Answer:
        """Make a request; `by` is the workspace of the token, `role` its role, the rest are parameters."""
        by, role, user = given.pop("by", ACME), given.pop("role", "admin"), given.pop("user", None)
        headers = {"authorization": f"Bearer {self.token(by, role, user)}"}
        url = f"/v1/admin/{quote(path)}" + (f"?{urlencode(given)}" if given else "")
        if method == "GET":
            return self.api.request("GET", url, headers=headers)
        return self.api.post(url, {} if body is None else body, headers)

    def get(self, path: str, **given: Any) -> Any:
        """Return what a route answers that is expected to answer."""
        answer = self.ask("GET", path, **given)
        assert answer.status == 200, answer.json()
        assert answer.headers["cache-control"] == "no-store"
        return answer.json()

    def post(self, path: str, body: Any = None, **given: Any) -> Any:
        """Return what an action answers that is expected to be done."""
        answer = self.ask("POST", path, body, **given)
        assert answer.status == 200, answer.json()
        return answer.json()

    def token(self, workspace: str = ACME, role: TokenRole = "admin", user: str | None = None) -> str:
        times = {"issued_at": self.now, "lifetime": timedelta(hours=1)}
        return issue_token(workspace, role, kid="k1", secret="1" * 64, user=user, **times)

    def filled(self, count: int, workspace: str = ACME, minute: int = 0) -> list[str]:
        """Have events come, and return the ids of the batches that they were put into."""
        at = self.now.replace(minute=minute, second=0, microsecond=0)
        events = [
            {
                "event_id": f"{workspace}-{minute}-{number}",
                "type": "page",
                "timestamp": (at + timedelta(seconds=number)).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
                "properties": {"path": "/"},
            }
            for number in range(count)
        ]
        before = set(self.ids(workspace))
        for chunk in chunk_events(workspace, events, timezone="UTC", shards_at=lambda _: 1):
            bootstrap.container().event_log.put(chunk, self.now, self.seconds + 86_400)
            analysis().fill_batches([LoggedChunk(chunk, "", self.seconds + 86_400)], self.now)
        return [name for name in self.ids(workspace) if name not in before]

    def ids(self, workspace: str = ACME) -> list[str]:
        return [batch["batch_id"] for batch in self.get("batches", by=OPERATIONS, workspace=workspace)["batches"]][::-1]

    def claimed(self, batch: str, workspace: str = ACME) -> None:
        """Have a worker begin a job."""
        written = Written(sets={"lease_until": self.seconds + 900, "started_at": self.seconds}, counts=("attempts",))
        assert analysis().job_store.change((workspace, batch), jobs.CLAIM, self.seconds, written, "l").done

    def dead(self, batch: str, workspace: str = ACME) -> None:
        """Have a job begun and given up."""
        self.claimed(batch, workspace)
        trace, given = {"request_id": "r-1", "cause": "ProviderUnavailable"}, {"provider": "statistical"}
        letter = DeadLetter(workspace, batch, ERROR, "l", 5, trace, given)
        assert analysis().bury(letter, self.seconds).done

    def analysed(self, batch: str, workspace: str = ACME) -> None:
        """Have a job done."""
        self.claimed(batch, workspace)
        written = Written(
            sets={
                "state": "ANALYZED",
                "insight": zlib.compress(insights.encode(INSIGHT)),
                "provider": "statistical",
                "finished_at": self.seconds,
            },
            listed=Listed.NOWHERE,
        )
        assert analysis().job_store.change((workspace, batch), jobs.SUCCEED, self.seconds, written, "l").done

    def messages(self) -> int:
        """Take the messages about jobs from the queue; return how many there were."""
        taken = 0
        while found := self.sqs.receive_message(QueueUrl=self.queue_url, MaxNumberOfMessages=10).get("Messages", []):
            for message in found:
                self.sqs.delete_message(QueueUrl=self.queue_url, ReceiptHandle=message["ReceiptHandle"])
            taken += len(found)
        return taken

    def system_events(self) -> list[tuple[str, Any]]:
        """Return type and properties of the system's own events, as they are in the log."""
        hour = self.now.strftime("%Y-%m-%dT%H:00Z")
        read = bootstrap.container().event_log.read(OPERATIONS, hour, 0)
        return sorted(((e["type"], e["properties"]) for logged in read for e in logged.chunk.events), key=str)


def pages(administered: Administered, path: str, name: str, limit: int, **given: Any) -> Sequence[list[Any]]:
    """Read a list page by page to its end."""
    found, cursor = [], {}
    while True:
        page = administered.get(path, limit=limit, **cursor, **given)
        found.append(page[name])
        if "next_cursor" not in page:
            return found
        cursor = {"cursor": page["next_cursor"]}
