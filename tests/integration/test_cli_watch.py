"""`tidemark watch`, the whole command, against a WebSocket server."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from tests.cli_live import LiveServer
from tests.cli_stack import deploy, run
from tidemark.domain.snapshot import checksums_of
from tidemark_cli.stack import Stack

STATE = {
    "kpis": {"pageviews": 12345},
    "charts": {"pageviews_by_day": {"grain": "day", "points": {"2026-11-22": {"order": 1, "value": 5}}}},
    "tabs.overview": {"top_paths": {"error": 0, "rows": {"/:smile:": {"order": 0, "value": 3}}}},
}


@pytest.fixture
def server(aws: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[LiveServer]:
    """The server in a thread, and a deployed stack whose WebSocket API it is; the token comes from the environment."""
    live = LiveServer(STATE)
    started, stop = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        async with live.running():
            started.set()
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    started.wait()
    deploy(monkeypatch, http_url=live.http_url)
    monkeypatch.setenv("TIDEMARK_TOKEN", "good")
    yield live
    loop.call_soon_threadsafe(stop.set)
    thread.join()
    loop.close()


def interrupt_once_watched(server: LiveServer) -> threading.Thread:
    """Send this process Ctrl-C once somebody watches."""

    def wait() -> None:
        deadline = time.monotonic() + 20
        while not server.viewers and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.2)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def test_once_shows_the_view(server: LiveServer) -> None:
    shown = run("watch", "--once").stdout
    for expected in ("web, 30 days", "12,345", "/:smile:", "position e1/0", "checksums verified"):
        assert expected in shown
    assert not server.actions("subscribe")


def test_json_is_one_line_a_state(server: LiveServer) -> None:
    (line,) = run("watch", "--once", "--json").stdout.splitlines()
    printed = json.loads(line)
    assert printed["sections"] == STATE
    assert printed["position"] == {"epoch": "e1", "seq": 0}
    assert printed["checksums"] == checksums_of(STATE)


def test_a_view_with_an_end_is_shown_once(server: LiveServer) -> None:
    assert "5 days to 2015-05-21" in run("watch", "--days", "5", "--to", "2015-05-21").stdout
    assert server.actions("bootstrap")[0]["view"] == {"dashboard": "web", "days": 5, "to": "2015-05-21"}


@pytest.mark.parametrize("args", [[], ["--json"]])
def test_it_watches_until_ctrl_c(server: LiveServer, args: list[str]) -> None:
    thread = interrupt_once_watched(server)
    result = run("watch", *args, fails=130)
    thread.join()
    assert "12345" in result.stdout.replace(",", "")
    assert "error" not in result.stderr


def test_what_fails_is_one_line(server: LiveServer, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "to is a date" in run("watch", "--to", "yesterday", fails=1).stderr
    assert "dashboard is a name" in run("watch", "--dashboard", "No!", fails=1).stderr
    run("watch", "--days", "367", fails=2)
    assert "tidemark token" in run("watch", "--token", "expired", "--once", fails=1).stderr
    server.errors = [{"code": "unknown_dashboard", "message": "no dashboard web"}]
    assert "no dashboard web [unknown_dashboard]" in run("watch", fails=1).stderr
    monkeypatch.setattr(Stack, "_outputs", {**Stack._outputs, "HttpUrl": "http://127.0.0.1:9"})
    assert "make up" in run("watch", fails=1).stderr


def test_without_a_token_one_is_issued(server: LiveServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TIDEMARK_TOKEN")
    run("workspace", "create", "acme")
    assert "no workspace given" in run("watch", "--once", fails=2).stderr
    assert "no workspace nope" in run("watch", "--once", "--workspace", "nope", fails=1).stderr
    # The fake accepts one token only: that it is asked for another shows that one was issued.
    assert "refused" in run("watch", "--once", "--workspace", "acme", fails=1).stderr
