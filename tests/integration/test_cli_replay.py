"""`tidemark replay`, the whole command, against an HTTP server that fails, throttles and goes away."""

from __future__ import annotations

import base64
import gzip
import json
import random
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.cli_stack import deploy, run
from tidemark.domain.credentials import hash_write_key
from tidemark_cli.admin import Admin
from tidemark_cli.replay import run as replay_run
from tidemark_cli.replay import sender
from tidemark_cli.stack import Stack


class Server:
    """`/v1/batch`: stores events by id and hour, refuses events of type `bad`, and answers what a test scripts."""

    def __init__(self) -> None:
        self.stored: dict[tuple[str, str], dict[str, Any]] = {}
        self.received = 0
        self.batches: list[tuple[float, int]] = []
        self.failures: list[tuple[int, dict[str, str]]] = []
        self.down_after: int | None = None
        self.admin: Admin | None = None
        self.lock = threading.Lock()

    def answer(self, key: str, events: list[dict[str, Any]]) -> tuple[int, dict[str, str], dict[str, Any]]:
        assert self.admin is not None
        with self.lock:
            if self.failures:
                status, headers = self.failures.pop(0)
                return status, headers, {"code": "unavailable", "message": "later"}
            if self.down_after is not None and len(self.batches) >= self.down_after:
                return 503, {}, {"code": "unavailable", "message": "down"}
            if self.admin.workspace_of_key(hash_write_key(key)) is None:
                return 401, {}, {"code": "unauthorized", "message": "unknown key"}
            self.batches.append((time.monotonic(), len(events)))
            self.received += len(events)
            rejected = []
            for index, event in enumerate(events):
                if event["type"] == "bad":
                    rejected.append({"index": index, "code": "invalid_type", "message": "a bad type"})
                else:
                    identity = event.get("event_id") or event.get("messageId") or json.dumps(event, sort_keys=True)
                    self.stored[identity, event["timestamp"][:13]] = event
            if len(rejected) == len(events):
                return 400, {}, {"code": "invalid_request", "message": "none is valid", "rejected": rejected}
            return 200, {}, {"success": True, "accepted": len(events) - len(rejected), "rejected": rejected}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    backend: Server

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        sent = self.rfile.read(length)
        if len(sent) < length:  # the client gave up meanwhile
            self.close_connection = True
            return
        body = gzip.decompress(sent)
        key = base64.b64decode(self.headers["Authorization"].removeprefix("Basic ")).decode().rstrip(":")
        status, headers, answer = self.backend.answer(key, json.loads(body)["batch"])
        content = json.dumps(answer).encode()
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(aws: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Server]:
    """The server, its stack deployed with a workspace `acme`, a cache folder of its own and pauses that are short."""
    backend = Server()
    handler = type("TestHandler", (Handler,), {"backend": backend})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        http.daemon_threads = True
        thread = threading.Thread(target=http.serve_forever, args=(0.01,))
        thread.start()
        stack: Stack = deploy(monkeypatch, http_url=f"http://127.0.0.1:{http.server_port}")
        backend.admin = Admin(stack.dynamodb, stack.directory_table)
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        monkeypatch.setattr(sender, "full_jitter_seconds", lambda _: 0.001)
        run("workspace", "create", "acme")
        yield backend
        http.shutdown()
        thread.join()


def segment(number: int, **more: object) -> str:
    instant = datetime(2015, 5, 17, 10, tzinfo=UTC) + timedelta(seconds=number)
    event = {"type": "page", "messageId": f"m{number}", "timestamp": instant.isoformat().replace("+00:00", "Z")}
    return json.dumps({**event, **more})


def write(tmp_path: Path, lines: list[str], name: str = "events.ndjson") -> str:
    path = tmp_path / name
    content = "\n".join(lines).encode()
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return str(path)


def checkpoints(tmp_path: Path) -> list[Path]:
    return list((tmp_path / "cache").rglob("*.json"))


def keys(server: Server) -> list[str | None]:
    assert server.admin is not None
    return [key.revoked_at for key in server.admin.keys("acme") if key.label == "replay"]


def test_every_event_of_a_compressed_file_is_stored_once_however_often_it_is_replayed(
    server: Server, tmp_path: Path
) -> None:
    lines = [segment(number) for number in range(1050)]
    result = run("replay", write(tmp_path, lines, "web.ndjson.gz"), "--workspace", "acme")
    first = result.stdout.splitlines()[0]
    assert first.startswith("web.ndjson.gz: 1,050 lines of NDJSON → workspace acme at http://127.0.0.1")
    assert len(server.stored) == 1050
    assert len(server.batches) == 11
    random.Random(1).shuffle(lines)
    run("replay", write(tmp_path, lines), "--workspace", "acme")
    assert (len(server.stored), server.received) == (1050, 2100)
    assert checkpoints(tmp_path) == []


def test_a_key_made_for_the_run_is_revoked_after_it(server: Server, tmp_path: Path) -> None:
    file = write(tmp_path, [segment(1)])
    run("replay", file, "--workspace", "acme")
    server.failures = [(403, {})]
    run("replay", file, "--workspace", "acme", fails=1)
    assert len(keys(server)) == 2
    assert all(keys(server))


def test_a_workspace_is_made_if_asked_for_and_an_unknown_one_is_told(server: Server, tmp_path: Path) -> None:
    file = write(tmp_path, [segment(1)])
    assert "no workspace new" in run("replay", file, "--workspace", "new", fails=1).stderr
    assert "name one with --workspace" in run("replay", file, fails=2).stderr
    for _ in range(2):
        run("replay", file, "--workspace", "new", "--create")
    assert server.received == 2


def test_a_given_key_says_where_the_events_go(server: Server, tmp_path: Path) -> None:
    assert server.admin is not None
    file = write(tmp_path, [segment(1)])
    _, key = server.admin.create_key("acme", "", datetime.now(UTC))
    assert "workspace acme" in run("replay", file, "--key", key).stdout
    assert (
        "opens workspace acme, not other" in run("replay", file, "--key", key, "--workspace", "other", fails=2).stderr
    )
    assert "unknown or revoked" in run("replay", file, "--key", "tmk_nope", fails=1).stderr
    assert keys(server) == []


def test_throttling_failures_and_a_key_that_is_not_known_yet_are_waited_for(server: Server, tmp_path: Path) -> None:
    server.failures = [(401, {}), (429, {"Retry-After": "0.01"}), (503, {}), (502, {})]
    result = run(
        "replay", write(tmp_path, [segment(n) for n in range(300)]), "--workspace", "acme", "--concurrency", "1"
    )
    assert len(server.stored) == 300
    assert "retries" in result.stdout


def test_an_interrupted_replay_continues_where_it_was(server: Server, tmp_path: Path) -> None:
    file = write(tmp_path, ["{", *(segment(number) for number in range(1000))])
    command = ("replay", file, "--workspace", "acme", "--concurrency", "2")
    server.down_after = 5
    result = run(*command, fails=1)
    assert "gave up after" in result.stderr
    assert "the same command continues" in result.stderr
    assert len(checkpoints(tmp_path)) == 1
    server.down_after = None
    result = run(*command)
    assert "continues after" in result.stdout
    assert len(server.stored) == 1000
    assert server.received <= 1000 + 2 * 100
    assert "1,000 events" in result.stdout
    assert "1 invalid_json" in result.stdout
    assert checkpoints(tmp_path) == []


def test_restart_begins_again_and_other_options_have_their_own_checkpoint(server: Server, tmp_path: Path) -> None:
    file = write(tmp_path, [segment(number) for number in range(500)])
    server.down_after = 2
    run("replay", file, "--workspace", "acme", "--concurrency", "1", fails=1)
    server.down_after, server.received = None, 0
    assert "continues" not in run("replay", file, "--workspace", "acme", "--shift").stdout
    assert "continues" not in run("replay", file, "--workspace", "acme", "--restart").stdout
    assert server.received == 1000


def test_bad_lines_are_told_with_their_number_and_never_stop_the_run(server: Server, tmp_path: Path) -> None:
    lines = [segment(0), "{", "[]", segment(1, type="bad"), "", segment(2)]
    result = run("replay", write(tmp_path, lines), "--workspace", "acme")
    assert len(server.stored) == 2
    for told in ("line 2: not JSON", "line 3: not a JSON object [invalid_event]", "line 4: a bad type [invalid_type]"):
        assert told in result.stderr
    for counted in ("1 invalid_json", "1 invalid_event", "1 invalid_type"):
        assert counted in result.stdout


def test_of_many_bad_lines_the_first_are_told_and_all_are_counted(server: Server, tmp_path: Path) -> None:
    result = run(
        "replay", write(tmp_path, [*(segment(n, type="bad") for n in range(250)), segment(1)]), "--workspace", "acme"
    )
    assert result.stderr.count("a bad type") == 20
    assert "250 invalid_type" in result.stdout
    assert len(server.stored) == 1


def test_strict_stops_at_the_first_bad_line(server: Server, tmp_path: Path) -> None:
    file = write(tmp_path, [*(segment(n) for n in range(100)), "{", segment(200)])
    assert "stopped at line 101" in run("replay", file, "--workspace", "acme", "--strict", fails=1).stderr
    assert ("m200", "2015-05-17T10") not in server.stored


def test_an_access_log_becomes_page_events_equal_lines_included(server: Server, tmp_path: Path) -> None:
    line = '10.0.0.1 - - [17/May/2015:10:05:03 +0000] "GET /a HTTP/1.1" 200 7 "-" "curl"'
    lines = [line, line, line.replace("/a", "/b"), "garbage"]
    for _ in range(2):
        result = run("replay", write(tmp_path, lines, "access.log"), "--workspace", "acme")
        lines.reverse()
    assert "4 lines of combined log" in result.stdout
    assert "1 invalid_line" in result.stdout
    assert sorted(event["properties"]["path"] for event in server.stored.values()) == ["/a", "/a", "/b"]


def test_shift_makes_the_last_event_now(server: Server, tmp_path: Path) -> None:
    before = datetime.now(UTC)
    run("replay", write(tmp_path, [segment(n) for n in (5000, 0, 9000)]), "--workspace", "acme", "--shift")
    stamps = sorted(datetime.fromisoformat(event["timestamp"]) for event in server.stored.values())
    assert timedelta() <= stamps[-1] - before + timedelta(milliseconds=1) < timedelta(seconds=30)
    assert stamps[-1] - stamps[0] == timedelta(seconds=9000)


def test_speed_keeps_the_pauses_and_the_order(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay_run, "PACE_SECONDS", 0.05)
    file = write(tmp_path, [segment(n) for n in (3600, 0, 1, 2, 1800)])
    started = time.monotonic()
    run("replay", file, "--workspace", "acme", "--speed", "6000")
    *first_batches, second_batch, third_batch = server.batches
    assert sum(size for _, size in first_batches) == 3
    assert 0.6 <= time.monotonic() - started < 10
    assert second_batch[0] - first_batches[0][0] == pytest.approx(0.3, abs=0.15)
    assert third_batch[0] - second_batch[0] == pytest.approx(0.3, abs=0.15)
    assert list(server.stored)[-1] == ("m3600", "2015-05-17T11")


def test_batches_stay_below_the_bound_of_a_request(server: Server, tmp_path: Path) -> None:
    lines = [segment(n, properties={"text": "x" * 20_000}) for n in range(60)]
    run("replay", write(tmp_path, lines), "--workspace", "acme", "--batch", "2500")
    assert len(server.stored) == 60
    assert max(size for _, size in server.batches) * 20_100 <= 400_000


def test_the_live_page_is_linked_with_the_way_in(server: Server, tmp_path: Path) -> None:
    result = run("replay", write(tmp_path, [segment(1)]), "--workspace", "acme", "--dashboard")
    assert "/dashboard#token=ey" in result.stdout
    assert "&ws=wss%3A%2F%2Flive&workspace=acme" in result.stdout


def test_a_server_that_is_not_there_is_told(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Stack, "_outputs", {**Stack._outputs, "HttpUrl": "http://127.0.0.1:9"})
    result = run("replay", write(tmp_path, [segment(1)]), "--workspace", "acme", fails=1)
    assert "is the stack running?" in result.stderr
