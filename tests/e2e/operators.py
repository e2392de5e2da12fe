"""The operator's way into the administration of a deployed stack, and what the pipeline has stored."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.e2e.deployment import until
from tests.e2e.tenant import Tenant, patiently
from tidemark.aws.batches import batch_of, key_of
from tidemark.aws.items import decode, encode
from tidemark.domain.batches import Batch
from tidemark.domain.credentials import issue_token
from tidemark.domain.workspace import OPERATIONS
from tidemark_cli.signing import require_signing_keys


class Operator:
    """Who has an admin token of the workspace `operations`."""

    def __init__(self, tenant: Tenant) -> None:
        stack = tenant.deployment.stack
        keys = require_signing_keys(stack.secretsmanager, stack.token_secret_arn)
        self.token = issue_token(
            OPERATIONS,
            "admin",
            kid=keys.current,
            secret=keys.keys[keys.current],
            issued_at=datetime.now(UTC),
            lifetime=timedelta(hours=1),
            user="eve",
        )
        tenant.deployment.credentials.add(self.token)
        self._tenant = tenant

    def ask(self, method: str, path: str, body: Any = None, **given: str) -> Any:
        """Return what a route answers."""
        return self._ask(method, f"/v1/admin/{path}", body, **given)

    def get(self, path: str, **given: str) -> Any:
        answer = patiently(lambda: self.ask("GET", path, **given))
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, body: Any = None, **given: str) -> Any:
        answer = self.ask("POST", path, body or {}, **given)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def every(self, path: str, **given: str) -> list[dict[str, Any]]:
        """Return what is on all pages of a list, which is named like its route."""
        found, more = [], dict[str, str]()
        while True:
            page = self.get(path, limit="100", **given, **more)
            found += page[path.replace("-", "_")]
            if "next_cursor" not in page:
                return found
            more = {"cursor": page["next_cursor"]}

    def operations(self) -> dict[str, int]:
        """Return the sums of the system's own events, as the dashboard `operations` shows them."""
        path = f"/v1/workspaces/{OPERATIONS}/snapshot"
        answer = patiently(lambda: self._ask("GET", path, dashboard="operations", days="2"))
        assert answer.status_code == 200, answer.text
        shown = answer.json()
        return {**shown["kpis"], **{name: shown["tabs"]["jobs"][name] for name in ("jobs_started", "redriven")}}

    def is_there(self) -> None:
        """Wait for the operator's workspace, which the schedule makes within a minute of the deployment."""
        until(lambda: self.ask("GET", "workspaces").status_code, lambda status: status == 200)

    def settle(self) -> None:
        """Have analysed what is still open, of whatever workspace, so that nothing else is under way."""
        self.is_there()
        for batch in self.every("batches", state="OPEN"):
            self.ask("POST", f"batches/{batch['batch_id']}/seal", {}, workspace=batch["workspace_id"])
        until(lambda: self.get("metrics")["jobs"], lambda jobs: jobs["pending"] == jobs["running"] == 0)

    def _ask(self, method: str, path: str, body: Any = None, **given: str) -> Any:
        headers = {"Authorization": f"Bearer {self.token}"}
        return self._tenant.http.request(method, path, json=body, params=given, headers=headers)


@dataclass(frozen=True)
class Stored:
    """A batch and its job, as they stand in the Work table."""

    batch: Batch
    job: str
    attempts: int
    has_insight: bool
    error: dict[str, str]

    @property
    def is_unfinished(self) -> bool:
        """Whether something is still to be done about it."""
        return self.job not in ("SUCCESS", "FAILED")


def stored_batches(tenant: Tenant) -> list[Stored]:
    """Read every batch of a workspace, each consistently."""
    return [_stored(tenant, decode(item)) for item in _items(tenant)]


def _stored(tenant: Tenant, item: dict[str, Any]) -> Stored:
    job, attempts, error = item.get("job", ""), item.get("attempts", 0), item.get("error", {})
    return Stored(batch_of(tenant.name, item), job, attempts, "insight" in item, error)


def _items(tenant: Tenant) -> Iterator[dict[str, Any]]:
    deployment = tenant.deployment
    pages = deployment.client("dynamodb").get_paginator("query").paginate(
        TableName=deployment.resources["WorkTable"],
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues=encode({":pk": key_of(tenant.name, "")["pk"]}),
        ConsistentRead=True,
    )  # fmt: skip
    for page in pages:
        yield from page["Items"]


def run_schedule(tenant: Tenant) -> None:
    """Do what the schedule does every minute, so that a test need not wait for it."""
    deployment = tenant.deployment
    function = deployment.resources["CronBatchesFunction"]
    answer = deployment.client("lambda").invoke(FunctionName=function, Payload=b"{}")
    assert "FunctionError" not in answer, answer["Payload"].read()
