"""Batches are sent until each event is stored or refused for good, and never given up in silence."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tidemark_cli.errors import CliError
from tidemark_cli.replay.sender import MAX_ATTEMPTS, Outcome, Rejection, Sender

Handler = Callable[[httpx.Request], httpx.Response]


def events(*names: str) -> list[dict[str, Any]]:
    return [{"type": "page", "event_id": name} for name in names]


def sent(request: httpx.Request) -> list[str]:
    return [event["event_id"] for event in json.loads(gzip.decompress(request.content))["batch"]]


def ok(accepted: int, *rejected: dict[str, Any]) -> httpx.Response:
    return httpx.Response(200, json={"success": True, "accepted": accepted, "rejected": list(rejected)})


def deliver(handler: Handler, batch: list[dict[str, Any]], *, fresh_key: bool = False) -> tuple[Outcome, list[float]]:
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    async def run() -> Outcome:
        async with httpx.AsyncClient(transport=httpx.MockTransport(handler)) as client:
            sender = Sender(client, "http://host/base", "tmk_x", lambda *_: None, sleep, fresh_key=fresh_key)
            return await sender.send(batch)

    return asyncio.run(run()), pauses


def scripted(*answers: httpx.Response | Exception) -> Handler:
    remaining = list(answers)

    def handle(request: httpx.Request) -> httpx.Response:
        answer = remaining.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return handle


def test_a_batch_goes_compressed_with_the_key_as_user_name() -> None:
    seen: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return ok(2)

    assert deliver(handle, events("a", "b")) == (Outcome(2), [])
    (request,) = seen
    assert request.url == "http://host/base/v1/batch"
    assert request.headers["authorization"] == httpx.BasicAuth("tmk_x", "")._auth_header
    assert sent(request) == ["a", "b"]


def test_throttling_failures_and_lost_answers_are_tried_again() -> None:
    answers = (
        httpx.Response(429),
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("slow"),
        httpx.Response(503),
        ok(1),
    )
    outcome, pauses = deliver(scripted(*answers), events("a"))
    assert outcome.accepted == 1
    assert len(pauses) == 4
    for attempt, pause in enumerate(pauses):
        assert 0 <= pause <= 0.5 * 2**attempt


def test_retry_after_is_the_least_that_is_waited() -> None:
    slow_down = httpx.Response(429, headers={"Retry-After": "7"})
    dated = httpx.Response(503, headers={"Retry-After": "Sun, 22 Nov 2026 10:00:00 GMT"})
    _, pauses = deliver(scripted(slow_down, dated, ok(1)), events("a"))
    assert 7 <= pauses[0] <= 7.5
    assert 0 <= pauses[1] <= 1


def test_a_server_that_stays_away_ends_the_replay() -> None:
    with pytest.raises(CliError, match=f"gave up after {MAX_ATTEMPTS} attempts: status 503 unavailable"):
        deliver(lambda _: httpx.Response(503, json={"code": "unavailable", "message": "no"}), events("a"))


def test_rejections_name_their_events() -> None:
    refused = {"index": 1, "event_id": "b", "code": "invalid_type", "message": "no type"}
    assert deliver(scripted(ok(1, refused)), events("a", "b"))[0] == Outcome(
        1, (Rejection(1, "invalid_type", "no type"),)
    )


def test_a_batch_of_which_every_event_is_invalid_is_counted_not_fatal() -> None:
    answer = httpx.Response(
        400, json={"code": "invalid_request", "rejected": [{"index": 0, "code": "too_deep", "message": ""}]}
    )
    assert deliver(scripted(answer), events("a"))[0] == Outcome(0, (Rejection(0, "too_deep", ""),))


@pytest.mark.parametrize(("status", "code"), [(413, "request_too_large"), (400, "invalid_request")])
def test_a_batch_that_is_refused_as_a_whole_is_divided_until_the_event_at_fault_is_found(
    status: int, code: str
) -> None:
    def handle(request: httpx.Request) -> httpx.Response:
        names = sent(request)
        return httpx.Response(status, json={"code": code, "message": "no"}) if "bad" in names else ok(len(names))

    outcome, _ = deliver(handle, events("a", "b", "c", "bad", "d"))
    assert outcome == Outcome(4, (Rejection(3, code, "no"),))


def test_a_refused_key_ends_the_replay_unless_it_was_just_made() -> None:
    def unauthorized() -> httpx.Response:
        return httpx.Response(401, json={"code": "unauthorized", "message": "unknown key"})

    with pytest.raises(CliError, match=r"unknown key \[unauthorized\]"):
        deliver(scripted(unauthorized()), events("a"))
    assert deliver(scripted(unauthorized(), ok(1)), events("a"), fresh_key=True)[0].accepted == 1


@pytest.mark.parametrize(
    "answer", [httpx.Response(200, text="<html>"), httpx.Response(404, text="nginx"), httpx.Response(200, json=[])]
)
def test_another_server_at_the_address_is_told(answer: httpx.Response) -> None:
    with pytest.raises(CliError, match="not as Tidemark does"):
        deliver(scripted(answer), events("a"))
