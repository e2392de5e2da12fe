"""The ingest routes, through the gateway's events and Mangum as in production: calls, bodies, credentials, bounds."""

from __future__ import annotations

import base64
import gzip
import json
import logging
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.fakes import MemoryDirectory, MemoryEventLog, MemoryTokenKeys
from tests.gateway import Gateway
from tidemark.domain.credentials import TokenRole, issue_token
from tidemark.domain.errors import Throttled, Unavailable
from tidemark.domain.segment import CALLS
from tidemark.http.app import create_app
from tidemark.http.body import MAX_BODY_BYTES
from tidemark.observability import logger
from tidemark.services.ports import Workspace

NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
KEY = "tmk_" + "a" * 32
SECRET = "1" * 64
BASIC = {"Authorization": "Basic " + base64.b64encode(f"{KEY}:".encode()).decode()}
PAGE = {"type": "page", "messageId": "m1", "anonymousId": "a", "timestamp": "2026-11-22T10:00:00Z"}


class Services:
    """What the routes need, in memory."""

    def __init__(self) -> None:
        self.directory = MemoryDirectory(Workspace("demo"), keys={KEY: "demo", "tmk_" + "g" * 32: "gone"})
        self.event_log = MemoryEventLog()
        self.token_keys = MemoryTokenKeys({"k1": SECRET})
        self.views: Any = None


@pytest.fixture
def services() -> Services:
    return Services()


@pytest.fixture
def api(services: Services) -> Iterator[Gateway]:
    gateway = Gateway(create_app(services, clock=lambda: NOW))
    yield gateway
    gateway.close()


def token(role: TokenRole, lifetime: timedelta = timedelta(hours=1), workspace: str = "demo") -> str:
    return issue_token(
        workspace, role, kid="k1", secret=SECRET, issued_at=NOW - timedelta(minutes=30), lifetime=lifetime
    )


def batch(*events: Any, **fields: Any) -> dict[str, Any]:
    return {"batch": list(events), **fields}


@pytest.mark.parametrize("call", CALLS)
def test_every_call_is_stored_and_answered_with_200(api: Gateway, services: Services, call: str) -> None:
    answer = api.post(f"/v1/{call}", {"event": "Signed Up", "messageId": "m", "userId": "u", "traits": {"a": 1}}, BASIC)
    assert answer.status == 200
    assert answer.json() == {"success": True, "accepted": 1, "rejected": []}
    (event,) = services.event_log.events
    assert event["type"] == ("Signed Up" if call == "track" else call)
    assert event["user_id"] == "u"


def test_a_batch_takes_both_forms_and_shares_its_context(api: Gateway, services: Services) -> None:
    native = {"event_id": "n", "type": "page", "timestamp": "2026-11-22T10:00:00Z", "properties": {"path": "/"}}
    answer = api.post("/v1/batch", batch(PAGE, native, context={"ip": "192.0.2.1"}, integrations={}), BASIC)
    assert answer.json() == {"success": True, "accepted": 2, "rejected": []}
    assert [event["context"] for event in services.event_log.events] == [{"ip": "192.0.2.1"}] * 2


def test_a_clock_is_corrected_by_sent_at(api: Gateway, services: Services) -> None:
    api.post("/v1/batch", batch(PAGE, sentAt="2026-11-22T09:29:58Z"), BASIC)
    assert [event["timestamp"] for event in services.event_log.events] == ["2026-11-22T11:00:00.000Z"]
    answer = api.post("/v1/batch", batch(PAGE, sentAt="now"), BASIC)
    assert (answer.status, answer.json()["code"], answer.json()["field"]) == (400, "invalid_request", "sentAt")


@pytest.mark.parametrize(
    "headers",
    [
        BASIC,
        {"Authorization": f"Bearer {KEY}"},
        {"authorization": f"bearer {token('read')}"},
        {"Authorization": f"Bearer {token('admin')}"},
    ],
)
def test_any_credential_of_the_workspace_may_send(api: Gateway, services: Services, headers: dict[str, str]) -> None:
    assert api.post("/v1/batch", batch(PAGE), headers).status == 200
    assert len(services.event_log.events) == 1


def test_the_write_key_may_stand_in_the_body_and_is_not_stored(api: Gateway, services: Services) -> None:
    assert api.post("/v1/batch", batch(PAGE, writeKey=KEY)).status == 200
    assert api.post("/v1/page", {**PAGE, "messageId": "m2", "writeKey": KEY}).status == 200
    empty_user = {"Authorization": "Basic " + base64.b64encode(b":").decode()}
    assert api.post("/v1/page", {**PAGE, "messageId": "m3", "writeKey": KEY}, empty_user).status == 200
    assert len(services.event_log.events) == 3
    assert KEY not in json.dumps(services.event_log.events)


@pytest.mark.parametrize("body", [gzip.compress, lambda raw: gzip.compress(raw[:9]) + gzip.compress(raw[9:])])
def test_gzip_is_inflated(api: Gateway, services: Services, body: Any) -> None:
    content = body(json.dumps(batch(PAGE)).encode())
    assert api.post("/v1/batch", content, {**BASIC, "Content-Encoding": "gzip"}).status == 200
    assert len(services.event_log.events) == 1


def test_a_body_that_the_gateway_has_inflated_already_is_taken_as_it_is(api: Gateway, services: Services) -> None:
    content = json.dumps(batch(PAGE)).encode()
    assert api.post("/v1/batch", content, {**BASIC, "Content-Encoding": "gzip"}).status == 200
    assert len(services.event_log.events) == 1


@pytest.mark.parametrize("content_type", ["text/plain", "text/plain;charset=UTF-8", "application/json", "x/y"])
def test_json_is_read_whatever_it_is_called(api: Gateway, services: Services, content_type: str) -> None:
    content = json.dumps(batch(PAGE, writeKey=KEY)).encode()
    assert api.post("/v1/batch", content, {"Content-Type": content_type}).status == 200
    assert len(services.event_log.events) == 1


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "unauthorized"),
        ({"Authorization": "Bearer"}, "unauthorized"),
        ({"Authorization": "Bearer x"}, "unauthorized"),
        ({"Authorization": "Basic %%%"}, "unauthorized"),
        ({"Authorization": "Basic " + base64.b64encode(b"no colon").decode()}, "unauthorized"),
        ({"Authorization": "Basic " + base64.b64encode("é:".encode()).decode()}, "unauthorized"),
        ({"Authorization": "Digest x"}, "unauthorized"),
        ({"Authorization": "Bearer tmk_" + "b" * 32}, "unauthorized"),
        ({"Authorization": f"Bearer {token('read', lifetime=timedelta(minutes=30))}"}, "token_expired"),
    ],
)
def test_without_a_valid_credential_nothing_is_stored(
    api: Gateway, services: Services, headers: dict[str, str], code: str
) -> None:
    answer = api.post("/v1/batch", batch(PAGE), headers)
    assert (answer.status, answer.json()["code"]) == (401, code)
    assert "www-authenticate" in answer.headers
    assert services.event_log.events == []


def test_a_key_of_a_workspace_that_is_gone_is_refused(api: Gateway) -> None:
    answer = api.post("/v1/batch", batch(PAGE), {"Authorization": "Bearer tmk_" + "g" * 32})
    assert (answer.status, answer.json()["code"]) == (403, "forbidden")


@pytest.mark.parametrize(
    ("content", "code", "field"),
    [
        (b"", "invalid_json", None),
        (b"{", "invalid_json", None),
        (b"\xff\xfe\xfa", "invalid_json", None),
        (b"[" * 100_000, "invalid_json", None),
        (b'{"batch":[' + b"9" * 5000 + b"]}", "invalid_json", None),
        (b"[]", "invalid_request", None),
        (b"null", "invalid_request", None),
        (b"{}", "invalid_request", "batch"),
        (b'{"batch":{}}', "invalid_request", "batch"),
        (b'{"batch":[],"context":[1]}', "invalid_request", "context"),
    ],
)
def test_a_body_of_the_wrong_form_is_named(api: Gateway, content: bytes, code: str, field: str | None) -> None:
    answer = api.post("/v1/batch", content, BASIC)
    assert answer.status == 400
    assert (answer.json()["code"], answer.json().get("field")) == (code, field)
    # The same without a header, when the body is read for its write key first.
    assert api.post("/v1/batch", content).status in (400, 401)


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (b"not gzip", "gzip"),
        (gzip.compress(b"{}", mtime=0)[:-4], "gzip"),
        (gzip.compress(b"{}", mtime=0) + b"rest", "gzip"),
        (zlib.compress(b"{}"), "deflate"),
        (b"{}", "br"),
    ],
)
def test_a_body_that_cannot_be_decoded_is_named(api: Gateway, content: bytes, encoding: str) -> None:
    answer = api.post("/v1/batch", content, {**BASIC, "Content-Encoding": encoding})
    assert (answer.status, answer.json()["code"], answer.json()["field"]) == (
        400,
        "invalid_request",
        "content-encoding",
    )


def test_a_body_may_have_500_kb_and_no_more(api: Gateway) -> None:
    body = json.dumps(batch(PAGE)).encode()
    assert api.post("/v1/batch", body.ljust(MAX_BODY_BYTES), BASIC).status == 200
    for content, headers in (
        (body.ljust(MAX_BODY_BYTES + 1), BASIC),
        (gzip.compress(body.ljust(MAX_BODY_BYTES + 1)), {**BASIC, "Content-Encoding": "gzip"}),
    ):
        answer = api.post("/v1/batch", content, headers)
        assert (answer.status, answer.json()["code"]) == (413, "request_too_large")


def test_a_zip_bomb_is_given_up_at_the_bound(api: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    inflated: list[int] = []
    make = zlib.decompressobj

    class Watched:
        def __init__(self, *args: Any) -> None:
            self.inner = make(*args)

        def decompress(self, *args: Any) -> bytes:
            piece = self.inner.decompress(*args)
            inflated.append(len(piece))
            return piece

        def __getattr__(self, name: str) -> Any:
            return getattr(self.inner, name)

    monkeypatch.setattr(zlib, "decompressobj", Watched)
    bomb = gzip.compress(b" " * 200_000_000, 1)
    answer = api.post("/v1/batch", bomb[:MAX_BODY_BYTES], {**BASIC, "Content-Encoding": "gzip"})
    assert (answer.status, answer.json()["code"]) == (413, "request_too_large")
    many = gzip.compress(b" " * 100_000, 9) * 100
    answer = api.post("/v1/batch", many, {**BASIC, "Content-Encoding": "gzip"})
    assert (answer.status, answer.json()["code"]) == (413, "request_too_large")
    assert sum(inflated) <= 2 * (MAX_BODY_BYTES + 1)


def test_a_batch_has_at_most_2500_events(api: Gateway) -> None:
    answer = api.post("/v1/batch", batch(*[{"type": "t"}] * 2_501), BASIC)
    assert (answer.status, answer.json()["code"]) == (413, "too_many_events")


def test_a_bad_event_is_reported_and_the_rest_kept(api: Gateway, services: Services) -> None:
    large = {**PAGE, "messageId": "large", "properties": {"x": "x" * 33 * 1024}}
    answer = api.post("/v1/batch", batch(large, PAGE), BASIC)
    assert answer.status == 200
    body = answer.json()
    assert (body["success"], body["accepted"]) == (True, 1)
    assert [(found["index"], found["event_id"], found["code"]) for found in body["rejected"]] == [
        (0, "large", "event_too_large")
    ]
    assert len(services.event_log.events) == 1


def test_a_request_of_which_everything_is_invalid_is_a_400_that_says_why(api: Gateway) -> None:
    answer = api.post("/v1/track", {"userId": "u"}, BASIC)
    assert answer.status == 400
    assert answer.json() == {
        "code": "invalid_type",
        "message": "a track call names its event",
        "field": "event",
        "request_id": "gateway-request",
        "type": "about:blank",
        "title": "Bad Request",
        "status": 400,
        "detail": "a track call names its event",
        "success": False,
        "accepted": 0,
        "rejected": [{"index": 0, "code": "invalid_type", "message": "a track call names its event", "field": "event"}],
    }
    answer = api.post("/v1/batch", batch({"type": "t", "timestamp": "x"}, 5), BASIC)
    assert (answer.status, [found["code"] for found in answer.json()["rejected"]]) == (
        400,
        ["invalid_timestamp", "invalid_event"],
    )


def test_an_empty_batch_is_fine(api: Gateway) -> None:
    assert api.post("/v1/batch", batch(), BASIC).json() == {"success": True, "accepted": 0, "rejected": []}


@pytest.mark.parametrize(
    ("failure", "status", "code"),
    [(Throttled("slow down"), 429, "throttled"), (Unavailable("no answer"), 503, "unavailable")],
)
def test_what_is_not_stored_is_not_acknowledged_and_says_when_to_retry(
    api: Gateway, services: Services, failure: Throttled | Unavailable, status: int, code: str
) -> None:
    earlier = {**PAGE, "messageId": "m0", "timestamp": "2026-11-22T08:00:00Z"}
    services.event_log.failures = [None, failure]
    answer = api.post("/v1/batch", batch(PAGE, earlier), BASIC)
    assert (answer.status, answer.json()["code"]) == (status, code)
    assert int(answer.headers["retry-after"]) >= 1
    assert "accepted" not in answer.json()
    assert api.post("/v1/batch", batch(PAGE, earlier), BASIC).status == 200
    assert len(services.event_log.events) == 2


def test_a_directory_that_is_down_asks_for_a_retry(api: Gateway, services: Services) -> None:
    services.directory.failure = Unavailable("no answer")
    answer = api.post("/v1/batch", batch(PAGE), BASIC)
    assert (answer.status, answer.json()["code"]) == (503, "unavailable")
    assert "retry-after" in answer.headers


def test_a_defect_answers_500_without_what_caused_it(
    api: Gateway, services: Services, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger().name)  # whatever a test before has set
    services.event_log.failures = [RuntimeError("the password is swordfish")]
    answer = api.post("/v1/batch", batch(PAGE), BASIC)
    assert answer.status == 500
    assert answer.json() == {
        "code": "internal",
        "message": "an error of ours; the request id finds it in the log",
        "request_id": "gateway-request",
        "type": "about:blank",
        "title": "Internal Server Error",
        "status": 500,
        "detail": "an error of ours; the request id finds it in the log",
    }
    assert answer.headers["x-request-id"] == "gateway-request"
    assert caplog.records[-1].getMessage() == "request failed"
    assert caplog.records[-1].request_id == "gateway-request"
    assert "swordfish" in str(caplog.records[-1].exc_info)


def test_every_request_is_logged_with_workspace_and_request_id_and_never_a_credential(
    api: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger().name)  # whatever a test before has set
    api.post("/v1/batch", batch(PAGE, writeKey=KEY), BASIC)
    api.post("/v1/batch", batch(PAGE, writeKey="tmk_secret"))
    received, refused = caplog.records
    assert received.getMessage() == "events received"
    assert (received.workspace, received.request_id, received.call) == ("demo", "gateway-request", "batch")
    assert refused.getMessage() == "request refused"
    assert refused.code == "unauthorized"
    assert not any("tmk_" in str(vars(record)) for record in caplog.records)
