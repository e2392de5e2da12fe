"""How the guards of the invariants are taken away, one at a time."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from secrets import token_hex
from typing import Any
from unittest.mock import patch

from botocore.awsrequest import AWSPreparedRequest

from tests.support.calls import Call
from tests.support.stack import Stack
from tidemark.aws import clients
from tidemark.domain.credentials import Principal
from tidemark.domain.idset import IdSet
from tidemark.services.batching import _Known
from tidemark.services.ports import Watch

Removal = Callable[[Stack], AbstractContextManager[Any]]
Make = Callable[[Any], Any]


def replaced(target: Any, name: str, make: Make) -> Removal:
    """Replace an attribute by what `make` makes of it."""
    return lambda _stack: patch.object(target, name, make(getattr(target, name)))


def unconditional(operation: str, table: str, matching: str = "") -> Removal:
    """Take the condition out of a kind of write as it is sent."""
    return edited(operation, table, matching, _without_conditions)


def without_basis(body: Any) -> Any:
    """Return a transaction whose conditions do not look at `basis`."""
    text = json.dumps(body).replace(" AND basis = :basis", "")
    found = json.loads(text)
    for item in found["TransactItems"]:
        item["Put"].get("ExpressionAttributeValues", {}).pop(":basis", None)
    return found


def without_revision(body: Any) -> Any:
    """Return a transaction that does not raise `revision`."""
    found = json.loads(json.dumps(body).replace(", revision :one", ""))
    for item in found["TransactItems"]:
        item.get("Update", {}).get("ExpressionAttributeValues", {}).pop(":one", None)
    return found


def edited(operation: str, table: str, matching: str, edit: Callable[[Any], Any]) -> Removal:
    """Change the bodies of a kind of call as they are sent."""

    @contextmanager
    def removed(stack: Stack) -> Iterator[None]:
        def mutate(call: Call, request: AWSPreparedRequest) -> None:
            if call.operation == operation and table in call.target and matching in str(call.request):
                request.body = json.dumps(edit(call.request)).encode()

        stack.calls.mutate = mutate
        try:
            yield
        finally:
            stack.calls.mutate = None

    return removed


def _without_conditions(body: Any) -> Any:
    if isinstance(body, list):
        return [_without_conditions(part) for part in body]
    if not isinstance(body, dict):
        return body
    kept = {name: _without_conditions(part) for name, part in body.items() if name != "ConditionExpression"}
    if "ConditionExpression" in body and "ExpressionAttributeValues" in body:
        update = body.get("UpdateExpression", "")
        used = {name: value for name, value in body["ExpressionAttributeValues"].items() if name in update}
        kept.pop("ExpressionAttributeValues")
        kept |= {"ExpressionAttributeValues": used} if used else {}
        if not update:
            kept.pop("ExpressionAttributeNames", None)
    return kept


# ── What `replaced` makes of the parts of the fold and of the views ──────────────────────────────────────────────────


class _Forgetful(set[bytes]):
    def __contains__(self, key: object) -> bool:
        return False


def forget_chunks(know: Any) -> Any:
    def changed(self: Any, key: Any, now_seconds: int) -> Any:
        known = know(self, key, now_seconds)
        known.chunks = _Forgetful(known.chunks)
        return known

    return changed


def forget_ids(new_events: Any) -> Any:
    return lambda chunks, _known: new_events(chunks, set())


def trust_orphans(read: Any) -> Any:
    def changed(self: Any, key: Any) -> Any:
        known = read(self, key)
        for entry in self._cells.ledger(key):
            known.chunks |= entry.chunks
            known.ids.update(entry.ids)
        return known

    return changed


def believe_every_page(_read: Any) -> Any:
    def changed(self: Any, chain: Any) -> Any:
        batches = self._batches.chain(chain)
        ids = IdSet(identity for batch in batches for identity in batch.ids)
        return _Known(ids, batches[-1] if batches else None)

    return changed


class _CellFirst:
    """A client that holds a put back until one with a condition has been made."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def put_item(self, **arguments: Any) -> None:
        if "ConditionExpression" not in arguments:
            self._held = arguments
            return
        self._client.put_item(**arguments)
        self._client.put_item(**self._held)


class OneByOne:
    """A client whose transactions are none."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def transact_write_items(self, TransactItems: Any) -> None:  # noqa: N803 - boto3's name
        for item in TransactItems:
            for kind, write in item.items():
                getattr(self._client, f"{kind.lower()}_item")(**write)


def with_client(wrapper: Any) -> Make:
    """Have a method see a wrapped DynamoDB client."""

    def make(method: Any) -> Any:
        def changed(self: Any, *arguments: Any) -> Any:
            client = wrapper(clients.dynamodb())
            with patch.object(clients, "dynamodb", lambda: client):
                return method(self, *arguments)

        return changed

    return make


cell_before_ledger = with_client(_CellFirst)
no_transaction = with_client(OneByOne)


def refresh_only_after_a_write(fold_workspace: Any) -> Any:
    def changed(self: Any, *arguments: Any) -> None:
        wrote = []
        append, refresh = self._cells.append, self._views.refresh_watched

        def noted(*given: Any) -> None:
            append(*given)
            wrote.append(given)

        with (
            patch.object(self._cells, "append", noted),
            patch.object(self._views, "refresh_watched", lambda *given: refresh(*given) if wrote else None),
        ):
            fold_workspace(self, *arguments)

    return changed


def head_after_cells(commit: Any) -> Any:
    def changed(self: Any, workspace: str, view: Any, previous: Any, head: Any, delta: Any, *times: int) -> None:
        now = self.head(workspace, view)
        if now is not None and previous is not None:
            head = replace(head, seq=now.seq + (delta is not None))
            delta = delta and replace(delta, base=now.seq, seq=now.seq + 1)
        commit(self, workspace, view, now, head, delta, *times)

    return changed


def any_basis(_remembered: Any) -> Any:
    def changed(self: Any, workspace: Any, view: Any, window: Any, basis: int, dashboard: Any) -> Any:
        found = self._frames.get((workspace.workspace, view))
        return found.frame if found and found.window == window else None

    return changed


# ── … of subscriptions and pushes ────────────────────────────────────────────────────────────────────────────────────


def subscribe_last(subscribe: Any) -> Any:
    def changed(self: Any, *arguments: Any) -> Any:
        held: list[Any] = []
        with patch.object(self._connections, "subscribe", lambda *given: held.append(given)):
            answer = subscribe(self, *arguments)
        for given in held:
            self._connections.subscribe(*given)
        return answer

    return changed


def watch_last(_watched: Any) -> Any:
    def changed(self: Any, workspace: Any, view: Any, now: Any, watch: Any) -> Any:
        head = self.current(workspace, view, now)
        self._connections.settle(workspace.workspace, view, watch().generation)
        return head

    return changed


def settled_at_once(watch: Any) -> Any:
    def changed(self: Any, workspace: str, view: Any, *times: int) -> Watch:
        held = watch(self, workspace, view, *times)
        self.settle(workspace, view, held.generation)
        return Watch(held.generation, settled=True)

    return changed


def whatever_is_there(_missed: Any) -> Any:
    def changed(self: Any, workspace: str, view: Any, head: Any, position: Any) -> Any:
        return self._snapshots.deltas(workspace, view, position[1], head.seq) if position else None

    return changed


def lease_before_socket(_drop: Any) -> Any:
    def changed(self: Any, connection: str) -> None:
        self._connections.close(connection)
        self._sockets.disconnect(connection)

    return changed


# ── … of requests ────────────────────────────────────────────────────────────────────────────────────────────────────


def acknowledge_anyway(store: Any) -> Any:
    def changed(*arguments: Any) -> list[Any]:
        store(*arguments)
        return []

    return changed


def random_key(_chunk_key: Any) -> Any:
    return lambda *_: token_hex(16)


def no_requirement(_require: Any) -> Any:
    return lambda *_: None


def never_expired(_principal_of: Any) -> Any:
    def changed(event: Any, _now: Any) -> Principal:
        context = event["requestContext"]["authorizer"]
        return Principal(context["workspace"], context["role"])

    return changed
