"""State that survives the death of the emulator, streams included.

MiniStack keeps everything in memory and writes it to files on a clean stop (`PERSIST_STATE=1`): after a `kill -9`
every acknowledged write is gone. And it writes the read positions of streams, but not the records: after any restart,
functions miss as many records as there had been before. DynamoDB loses neither. So, while `PERSIST_STATE=1`:

- each item that changes goes to a journal before the call is answered (one JSON line; the page cache survives the
  process);
- a checkpoint saves MiniStack's state, with the stream records that some function has not processed yet, and then
  drops the journal before it: on SIGUSR1 (the orchestrator sends it after a deployment), at 64 MB of journal, and on
  a clean stop;
- at the start the journal is replayed over the last checkpoint, each line also into the stream. Functions may see a
  record twice, which streams allow (at least once), but miss none.

What only a checkpoint holds: everything but items, such as stacks, functions, secrets, queues. Can go when MiniStack
keeps acknowledged writes and unprocessed stream records through a `kill -9`.
"""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import IO, Any

from ministack import app
from ministack.core.persistence import PERSIST_STATE, STATE_DIR
from ministack.core.responses import set_request_account_id, set_request_region
from ministack.services import dynamodb, lambda_svc

CHECKPOINT_BYTES = 64 * 1024 * 1024
WATCH_SECONDS = 1.0
Json = dict[str, Any]


class Journal:
    """The changes since the last checkpoint, in numbered files `journal-N.ndjson`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._lock = threading.Lock()
        directory.mkdir(parents=True, exist_ok=True)
        self._file = self._open(self._last_number() + 1)

    def _open(self, number: int) -> IO[str]:
        return (self._directory / f"journal-{number:08d}.ndjson").open("a", encoding="utf-8")

    def _last_number(self) -> int:
        return max((int(path.stem.removeprefix("journal-")) for path in self.files()), default=0)

    def files(self) -> list[Path]:
        """Return the journal's files, oldest first."""
        return sorted(self._directory.glob("journal-*.ndjson"))

    def bytes(self) -> int:
        """Return the size of the file that is being written."""
        return self._file.tell()

    def append(self, change: Json) -> None:
        """Write one change and hand it to the operating system."""
        line = json.dumps(change, separators=(",", ":"))
        with self._lock:
            self._file.write(line + "\n")
            self._file.flush()

    def rotate(self) -> list[Path]:
        """Begin a new file and return those before it."""
        with self._lock:
            before = self.files()
            self._file.close()
            self._file = self._open(self._last_number() + 1)
        return before


def item_keys(table: Json, item: Json) -> tuple[Any, Any]:
    """Return the values under which MiniStack files an item."""
    sort = dynamodb._extract_key_val(item.get(table["sk_name"])) if table["sk_name"] else "__no_sort__"
    return dynamodb._extract_key_val(item.get(table["pk_name"])), sort


def unprocessed_records() -> list[Json]:
    """Return, for each table with a stream, the records that the slowest of its functions has yet to process."""
    longest: dict[tuple[str, str, str], list[Json]] = {}
    for account, region, mapping in lambda_svc._iter_all_esms():
        source = mapping.get("EventSourceArn", "")
        if ":dynamodb:" not in source:
            continue
        scope = (account, region, source.split("/")[1])
        trimmed = dynamodb._stream_trimmed.get_scoped(*scope, 0)
        position = lambda_svc._dynamodb_stream_positions.get_scoped(account, region, mapping["UUID"], trimmed)
        records = (dynamodb._stream_records.get_scoped(*scope) or [])[max(0, position - trimmed) :]
        longest[scope] = max(longest.get(scope, []), records, key=len)
    return [
        {"account": account, "region": region, "table": table, "records": records}
        for (account, region, table), records in longest.items()
    ]


class DurableState:
    """Journals what changes, saves checkpoints, and restores both."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._emit: Callable[..., None] = dynamodb._emit_stream_event
        self._save_all: Callable[[Json], None] = app.save_all
        self._restored: list[Json] = []
        self.wanted = threading.Event()

    def emit(self, table_name: str, event: str, old: Json | None, new: Json | None, replicate: bool = True) -> None:
        """Journal a change of one item, then let MiniStack write its stream record."""
        if table := dynamodb._tables.get(table_name):
            _, _, _, region, account, _ = table["TableArn"].split(":", 5)
            change = {"account": account, "region": region, "table": table_name, "event": event}
            self._journal.append({**change, "item": new if new is not None else old})
        self._emit(table_name, event, old, new, replicate)

    def replay(self, change: Json) -> None:
        """Make a journaled change again, and give it to the stream once more."""
        set_request_account_id(change["account"])
        set_request_region(change["region"])
        table = dynamodb._tables.get(change["table"])
        if table is None:  # created after the last checkpoint, and gone with the process
            return
        keys = item_keys(table, change["item"])
        if change["event"] == "REMOVE":
            self._emit(change["table"], "REMOVE", dynamodb._remove_item(table, *keys), None)
        else:
            old = dynamodb._set_item(table, *keys, change["item"])
            self._emit(change["table"], change["event"], old, change["item"])

    def state(self, get_state: Callable[[], Json]) -> Json:
        """Return DynamoDB's state with the records that are not processed yet."""
        return {**get_state(), "unprocessed_records": unprocessed_records()}

    def load(self, load_state: Callable[[Json], None], state: Json) -> None:
        """Restore DynamoDB's state; the records follow when the functions are restored as well."""
        self._restored = state.get("unprocessed_records", [])
        load_state(state)

    def restore(self, load_all: Callable[[], None], journal: list[Path]) -> None:
        """Restore the checkpoint, then the streams, then what was journaled after it."""
        load_all()
        for key in lambda_svc._dynamodb_stream_positions._data:
            lambda_svc._dynamodb_stream_positions._data[key] = 0
        for stream in self._restored:
            scope = (stream["account"], stream["region"], stream["table"])
            dynamodb._stream_records.set_scoped(*scope, stream["records"])
        for path in journal:
            for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
                if line.endswith("\n"):  # a line cut short belongs to a call that was never answered
                    self.replay(json.loads(line))

    def checkpoint(self, services: Json) -> None:
        """Save everything, then drop the journal before it unless MiniStack failed to write the tables."""
        saved = Path(STATE_DIR) / "dynamodb.json"
        previous = self._journal.rotate()
        started = time.time_ns()
        self._save_all(services)
        if saved.exists() and saved.stat().st_mtime_ns >= started:
            for path in previous:
                path.unlink()
            (Path(STATE_DIR) / "checkpoint").write_text(str(started))

    def watch(self) -> None:
        """Save a checkpoint whenever one is wanted or the journal has grown; runs in a thread of its own."""
        while True:
            asked = self.wanted.wait(WATCH_SECONDS)
            if asked or self._journal.bytes() > CHECKPOINT_BYTES:
                self.wanted.clear()
                self.checkpoint(app._build_persistence_save_dict())


def install() -> None:
    """Put the journal under DynamoDB's writes, if state is kept at all."""
    if not PERSIST_STATE:
        return
    directory = Path(STATE_DIR) / "journal"
    earlier = sorted(directory.glob("journal-*.ndjson"))
    durable = DurableState(Journal(directory))
    dynamodb._emit_stream_event = durable.emit
    dynamodb.get_state = partial(durable.state, dynamodb.get_state)
    dynamodb.load_persisted_state = partial(durable.load, dynamodb.load_persisted_state)
    app._load_persisted_state = partial(durable.restore, app._load_persisted_state, earlier)
    app.save_all = durable.checkpoint
    signal.signal(signal.SIGUSR1, lambda *_: durable.wanted.set())
    threading.Thread(target=durable.watch, name="checkpoints", daemon=True).start()
