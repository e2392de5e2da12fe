"""The system as the canary reaches it: every way in which a real server may fail becomes a code."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

import pytest
from websockets.sync.server import ServerConnection, serve

from tidemark.outside import RealOutside
from tidemark.services.conversation import StepFailed


@contextmanager
def http_server(status: int, body: bytes, received: list[Any] | None = None) -> Iterator[RealOutside]:
    """A server that answers every POST so."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            if received is not None:
                received.append((self.path, self.headers["Authorization"], content))
            if status == 0:
                return
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that the base class gives it
            """Keep the output of the tests clean."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield RealOutside(f"http://127.0.0.1:{server.server_port}")
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def websocket_server(talk: Callable[[ServerConnection], None], **options: Any) -> Iterator[str]:
    """A server that talks so on every connection; yields its address."""
    with serve(talk, "127.0.0.1", 0, **options) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}/live"
        finally:
            server.shutdown()
            thread.join()


def code_of(act: Callable[[], object]) -> str:
    """The code with which something fails."""
    with pytest.raises(StepFailed) as failed:
        act()
    assert failed.value.__cause__ is None  # what it came from may name the ticket
    assert failed.value.__suppress_context__ or failed.value.__context__ is None
    return failed.value.code


def test_a_post_carries_the_token_and_returns_the_answer() -> None:
    received: list[Any] = []
    with http_server(200, b'{"ticket":"t"}', received) as outside:
        assert outside.post("/v1/ticket", "token", 5) == {"ticket": "t"}
    assert received == [("/v1/ticket", "Bearer token", b"{}")]


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (503, b'{"code":"unavailable","message":"x"}', "unavailable"),
        (401, b'{"code":"token_expired","message":"x"}', "token_expired"),
        (500, b'{"message":"Internal Server Error"}', "http_500"),
        (502, b"<html>", "http_502"),
        (200, b"<html>", "unexpected_answer"),
        (200, b"[]", "unexpected_answer"),
        (0, b"", "unreachable"),
    ],
)
def test_an_answer_that_is_none_has_a_code(status: int, body: bytes, code: str) -> None:
    with http_server(status, body) as outside:
        assert code_of(lambda: outside.post("/v1/ticket", "token", 5)) == code


def test_where_nobody_listens_nothing_is_reached() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    outside = RealOutside(f"http://127.0.0.1:{port}")
    assert code_of(lambda: outside.post("/v1/ticket", "token", 5)) == "unreachable"
    assert code_of(lambda: outside.connect(f"ws://127.0.0.1:{port}/live", "ticket", 5)) == "unreachable"


def test_who_accepts_and_says_nothing_is_given_up_at_the_deadline() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        port = silent.getsockname()[1]
        began = time.monotonic()
        assert code_of(lambda: RealOutside(f"http://127.0.0.1:{port}").post("/", "token", 0.2)) == "timeout"
        assert code_of(lambda: RealOutside("").connect(f"ws://127.0.0.1:{port}/live", "ticket", 0.2)) == "timeout"
        assert time.monotonic() - began < 5


def test_messages_go_and_come_over_a_connection_that_the_ticket_opened() -> None:
    paths: list[str] = []

    def talk(connection: ServerConnection) -> None:
        assert connection.request is not None
        paths.append(connection.request.path)
        connection.send(json.dumps({"type": "echo", "of": json.loads(connection.recv())}))
        connection.recv()

    with websocket_server(talk) as url:
        opened = RealOutside("").connect(url, "a+b/c=", 5)
        opened.send({"action": "ping"})
        assert opened.receive(5) == {"type": "echo", "of": {"action": "ping"}}
        assert code_of(lambda: opened.receive(0.05)) == "timeout"
        opened.close()
        opened.close()
        assert code_of(lambda: opened.send({})) == "closed"
        assert code_of(lambda: opened.receive(1)) == "closed"
    assert paths == ["/live?token=a%2Bb%2Fc%3D"]


def test_a_refusal_is_told_by_its_status() -> None:
    with websocket_server(
        lambda connection: None, process_request=lambda connection, _: connection.respond(403, "no")
    ) as url:
        assert code_of(lambda: RealOutside("").connect(url, "ticket", 5)) == "http_403"


@pytest.mark.parametrize("text", ["nonsense", "[]", "7"])
def test_what_is_no_message_is_told(text: str) -> None:
    done = Event()

    def talk(connection: ServerConnection) -> None:
        connection.send(text)
        done.wait(5)

    with websocket_server(talk) as url:
        opened = RealOutside("").connect(url, "ticket", 5)
        assert code_of(lambda: opened.receive(5)) == "unexpected_answer"
        done.set()
        opened.close()


def test_a_connection_that_the_server_ends_is_closed() -> None:
    with websocket_server(lambda connection: None) as url:
        opened = RealOutside("").connect(url, "ticket", 5)
        assert code_of(lambda: opened.receive(5)) == "closed"
