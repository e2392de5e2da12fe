"""The cost ledger: hooks on the botocore session that see every AWS request of the handlers, with its size.

What the fakes take to answer is measured apart, so that it can be left out of a handler's time and replaced by what the
same call takes on AWS (`WAITING_SECONDS`, an assumption).
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import ceil
from threading import Lock
from typing import Any

from botocore.hooks import BaseEventHooks

from benchmarks.support import units
from benchmarks.support.prices import Use, add
from benchmarks.support.units import Item
from tests.template import RESOURCES
from tidemark.services import broadcast

WAITING_SECONDS: Mapping[str, float] = {
    "TransactWriteItems": 0.010,
    "PostToConnection": 0.010,
    "GetSecretValue": 0.010,
}
OTHER_WAITING_SECONDS = 0.005
CONCURRENT: Mapping[str, int] = {"PostToConnection": broadcast.WORKERS}
"""How many of a call are under way at once; all others are taken to follow one another."""

MONTHS_STORED: Mapping[str, float] = {"EventsTable": 1, "CellsTable": 1, "SnapshotsTable": 1 / 30}
"""How long a new item is billed: 30 days, and a day for the delta log. Leases and settings are too few to count."""

_PIPELINE = RESOURCES["WorkTable"]["Properties"]["GlobalSecondaryIndexes"][0]
INDEXES: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    "WorkTable": (
        frozenset(key["AttributeName"] for key in _PIPELINE["KeySchema"]),
        frozenset(_PIPELINE["Projection"]["NonKeyAttributes"]),
    )
}
"""The keys of a table's index that not every item has, and what else is in its entries."""

Key = tuple[str, str, str]
"""(table, pk, sk)"""
Respond = Callable[[str, Any], Any]


@dataclass(slots=True)
class Reading:
    """What was used since the meter was last read."""

    use: Use = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    fake_seconds: float = 0.0
    """CPU time of the fakes and of the meter itself."""

    @property
    def waiting_seconds(self) -> float:
        """What the calls would have waited for AWS."""
        return sum(
            ceil(number / CONCURRENT.get(name, 1)) * WAITING_SECONDS.get(name, OTHER_WAITING_SECONDS)
            for name, number in self.calls.items()
        )


class Meter:
    """Counts what the clients that hook into `events` use.

    Parameters
    ----------
    respond
        The handler of "before-send" that answers in the place of AWS; the meter puts itself before it.
    read_item
        Reads an item unmetered; an empty mapping if there is none.
    """

    def __init__(self, events: BaseEventHooks, respond: Respond, read_item: Callable[[Key], Mapping[str, Any]]) -> None:
        self._respond = respond
        self._read_item = read_item
        self._sizes: dict[Key, int] = {}
        self._entries: dict[Key, Item] = {}
        self._reading = Reading()
        self._lock = Lock()
        self._counted: Mapping[str, Callable[[Any, Any, bool], None]] = {
            "PutItem": self._put,
            "UpdateItem": self._update,
            "DeleteItem": self._delete,
            "TransactWriteItems": self._transact,
            "GetItem": self._get,
            "BatchGetItem": self._get_batch,
            "Query": self._query,
            "PostToConnection": self._post,
            "GetSecretValue": self._secret,
            "SendMessage": self._enqueue,
            "SendMessageBatch": self._enqueue_batch,
        }
        events.register("provide-client-params", self._keep_params)
        events.unregister("before-send", respond)  # botocore calls every handler, also after one that has answered
        events.register("before-send", self._answer)
        events.register("after-call", self._count)

    def read(self) -> Reading:
        """Return what was used since the last reading, and begin anew."""
        reading, self._reading = self._reading, Reading()
        return reading

    def _keep_params(self, params: Mapping[str, Any], context: dict[str, Any], **_: Any) -> None:
        context["tidemark_params"] = params

    def _answer(self, event_name: str, request: Any, **_: Any) -> Any:
        started = time.thread_time()
        try:
            return self._respond(event_name, request)
        finally:
            self._spend(time.thread_time() - started)

    def _count(
        self, http_response: Any, parsed: Mapping[str, Any], model: Any, context: Mapping[str, Any], **_: Any
    ) -> None:
        started = time.thread_time()
        with self._lock:
            self._reading.calls[model.name] += 1
            # An operation that is not listed raises KeyError: nothing goes uncounted.
            self._counted[model.name](context["tidemark_params"], parsed, http_response.status_code < 300)
        self._spend(time.thread_time() - started)

    def _spend(self, seconds: float) -> None:
        with self._lock:
            self._reading.fake_seconds += seconds

    def _add(self, line: str, what: str, quantity: float) -> None:
        add(self._reading.use, {(line, what): quantity})

    def _put(self, params: Mapping[str, Any], _parsed: Mapping[str, Any], done: bool) -> None:
        self._write(params["TableName"], params["Item"], params["Item"], done)

    def _update(self, params: Mapping[str, Any], _parsed: Mapping[str, Any], done: bool) -> None:
        self._write(params["TableName"], params["Key"], None, done)

    def _delete(self, params: Mapping[str, Any], _parsed: Mapping[str, Any], done: bool) -> None:
        self._write(params["TableName"], params["Key"], {}, done)

    def _transact(self, params: Mapping[str, Any], _parsed: Mapping[str, Any], done: bool) -> None:
        if not done:
            raise RuntimeError("a transaction failed, which the fakes cannot undo here")
        for entry in params["TransactItems"]:
            ((_, write),) = entry.items()
            item = write.get("Item")
            self._write(write["TableName"], item or write["Key"], item, done, transactional=True)

    def _write(self, table: str, keyed: Item, item: Item | None, done: bool, *, transactional: bool = False) -> None:
        """Count a write. `item` is what stands there now: None if that has to be read, empty if nothing does."""
        key = (table, keyed["pk"]["S"], keyed["sk"]["S"])
        before = self._sizes.get(key, 0)
        after = before
        if done:
            stands = self._read_item(key) if item is None else item
            after = self._sizes[key] = units.item_bytes(stands)
            self._write_index(key, stands)
        if done and not before:
            stored = (after + units.STORED_OVERHEAD_BYTES) * MONTHS_STORED.get(table, 0)
            self._add("DynamoDB storage", table, stored)
            self._add("DynamoDB backup", table, stored)
        self._add("DynamoDB writes", table, units.write_units(after, before, transactional=transactional))

    def _write_index(self, key: Key, item: Item) -> None:
        """Count what a write does to the table's index: an entry comes, goes, changes, or moves, which is both."""
        keys, others = INDEXES.get(key[0], (frozenset(), frozenset()))
        if not keys:
            return
        before = self._entries.get(key, {})
        after = {name: item[name] for name in keys | others if name in item} if keys <= item.keys() else {}
        self._entries[key] = after
        if before != after:
            moved = before and after and any(before[name] != after[name] for name in keys)
            self._add("DynamoDB writes", f"{key[0]}, index", 2 if moved else 1)

    def _get(self, params: Mapping[str, Any], parsed: Mapping[str, Any], _done: bool) -> None:
        sizes = [units.item_bytes(parsed.get("Item", {}))]
        used = units.read_units(sizes, consistent=params.get("ConsistentRead", False))
        self._add("DynamoDB reads", params["TableName"], used)

    def _get_batch(self, params: Mapping[str, Any], _parsed: Mapping[str, Any], _done: bool) -> None:
        for table, wanted in params["RequestItems"].items():
            # Of the whole items: a projection does not make a read smaller.
            sizes = [self._sizes.get((table, key["pk"]["S"], key["sk"]["S"]), 0) for key in wanted["Keys"]]
            used = units.read_units(sizes, consistent=wanted.get("ConsistentRead", False))
            self._add("DynamoDB reads", table, used)

    def _query(self, params: Mapping[str, Any], parsed: Mapping[str, Any], _done: bool) -> None:
        sizes = map(units.item_bytes, parsed["Items"])
        used = units.query_units(sizes, consistent=params.get("ConsistentRead", False))
        self._add("DynamoDB reads", params["TableName"], used)

    def _post(self, params: Mapping[str, Any], _parsed: Mapping[str, Any], _done: bool) -> None:
        size = len(params["Data"])
        self._add("WebSocket messages", "to viewers", units.blocks(size, units.MESSAGE_BYTES))
        self._add("Transfer out", "messages", size)

    def _secret(self, _params: Mapping[str, Any], _parsed: Mapping[str, Any], _done: bool) -> None:
        self._add("Secrets Manager", "token keys", 1)

    def _enqueue(self, params: Mapping[str, Any], _parsed: Mapping[str, Any], _done: bool) -> None:
        self._add("SQS", "send", units.blocks(len(params["MessageBody"].encode()), units.QUEUE_BYTES))

    def _enqueue_batch(self, params: Mapping[str, Any], _parsed: Mapping[str, Any], _done: bool) -> None:
        size = sum(len(entry["MessageBody"].encode()) for entry in params["Entries"])
        self._add("SQS", "send", units.blocks(size, units.QUEUE_BYTES))
