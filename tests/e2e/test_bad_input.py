"""Whatever comes over HTTP is answered with JSON, a code and a message, and never with a 5xx."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from tests.e2e.tenant import Tenant
from tidemark.domain.views import MAX_DAYS

KILOBYTE = 1024
SEND: dict[str, Any] = {"method": "POST", "url": "/v1/batch"}
READ: dict[str, Any] = {"method": "GET", "url": "/v1/workspaces/{workspace}/snapshot"}
Request = dict[str, Any]
PACKED = {"Content-Encoding": "gzip"}
BAD: dict[str, tuple[Request, int, str]] = {
    "no body": (SEND, 400, "invalid_json"),
    "not JSON": ({**SEND, "content": b'{"batch": ['}, 400, "invalid_json"),
    "not text": ({**SEND, "content": b"\xff\xfe\x00"}, 400, "invalid_json"),
    "nested without end": ({**SEND, "content": b"[" * 100_000}, 400, "invalid_json"),
    "a list": ({**SEND, "json": []}, 400, "invalid_request"),
    "no batch": ({**SEND, "json": {}}, 400, "invalid_request"),
    "a batch of another type": ({**SEND, "json": {"batch": "all"}}, 400, "invalid_request"),
    "a context of another type": (
        {**SEND, "json": {"batch": [{"type": "page"}], "context": 7}},
        400,
        "invalid_request",
    ),
    "an event of another type": ({**SEND, "json": {"batch": [7]}}, 400, "invalid_event"),
    "a type of another type": ({**SEND, "json": {"batch": [{"type": {}}]}}, 400, "invalid_type"),
    "an id that is too long": (
        {**SEND, "json": {"batch": [{"type": "page", "event_id": "x" * 257}]}},
        400,
        "invalid_id",
    ),
    "no time": (
        {**SEND, "json": {"batch": [{"type": "page", "timestamp": "yesterday"}]}},
        400,
        "invalid_timestamp",
    ),
    "tomorrow": (
        {**SEND, "json": {"batch": [{"type": "page", "timestamp": "2100-01-01T00:00:00Z"}]}},
        400,
        "timestamp_in_future",
    ),
    "501 KB": ({**SEND, "content": json.dumps({"batch": ["x" * 501 * KILOBYTE]}).encode()}, 413, "request_too_large"),
    "501 KB in a gzip": (
        {**SEND, "content": gzip.compress(b" " * 501 * KILOBYTE), "headers": PACKED},
        413,
        "request_too_large",
    ),
    "gzip garbage": ({**SEND, "content": b"\x1f\x8b garbage", "headers": PACKED}, 400, "invalid_request"),
    "half a gzip": ({**SEND, "content": gzip.compress(b"{}" * 999)[:-9], "headers": PACKED}, 400, "invalid_request"),
    "another encoding": (
        {**SEND, "json": {"batch": []}, "headers": {"Content-Encoding": "br"}},
        400,
        "invalid_request",
    ),
    "2,501 events": ({**SEND, "json": {"batch": [{}] * 2_501}}, 413, "too_many_events"),
    "an unknown route": ({"method": "GET", "url": "/v1/nowhere"}, 404, "not_found"),
    "the root": ({"method": "GET", "url": "/"}, 404, "not_found"),
    "an unknown file": ({"method": "GET", "url": "/dashboard/handler.py"}, 404, "not_found"),
    "a wrong method": ({"method": "GET", "url": "/v1/batch"}, 405, "method_not_allowed"),
    "another wrong method": ({"method": "DELETE", "url": "/health"}, 405, "method_not_allowed"),
    "no days": ({**READ, "params": {"days": 0}}, 400, "invalid_view"),
    "too many days": ({**READ, "params": {"days": MAX_DAYS + 1}}, 400, "invalid_view"),
    "days of another type": ({**READ, "params": {"days": "all"}}, 400, "invalid_request"),
    "no such day": ({**READ, "params": {"to": "2015-02-30"}}, 400, "invalid_view"),
    "no such dashboard": ({**READ, "params": {"dashboard": "none"}}, 404, "unknown_dashboard"),
    "no name of a dashboard": ({**READ, "params": {"dashboard": "../web"}}, 400, "invalid_view"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_is_said_with_a_code(tenant: Tenant, name: str) -> None:
    request, status, code = BAD[name]
    credential = tenant.write_key if request["url"].endswith("batch") else tenant.read_token
    headers = {"Authorization": f"Bearer {credential}", **request.get("headers", {})}
    url = request["url"].format(workspace=tenant.name)
    response = tenant.http.request(**{**request, "url": url, "headers": headers})
    assert response.headers["content-type"] == "application/json", response.text
    body = response.json()
    assert (response.status_code, body.get("code")) == (status, code), body
    assert body["message"]
    assert body["request_id"] == response.headers["x-request-id"]


@pytest.mark.parametrize("header", [None, "Basic !!!", "Basic Og==", "Bearer", "Digest x", "Bearer \x7f"])
def test_without_a_credential_nothing_is_accepted(tenant: Tenant, header: str | None) -> None:
    headers = {"Authorization": header} if header else {}
    for method, url in (("POST", "/v1/batch"), ("GET", f"/v1/workspaces/{tenant.name}/snapshot")):
        response = tenant.http.request(method, url, headers=headers, json={"batch": []} if method == "POST" else None)
        assert (response.status_code, response.json()["code"]) == (401, "unauthorized"), response.text


def test_an_event_of_33_kb_is_rejected_and_the_rest_of_the_batch_is_kept(tenant: Tenant) -> None:
    good, large = [tenant.page_view() for _ in range(3)], tenant.page_view(path="x" * 33 * KILOBYTE)
    body = {"batch": [good[0], large, *good[1:]]}
    response = tenant.http.post("/v1/batch", json=body, auth=(tenant.write_key, ""))
    assert response.status_code == 200
    answer = response.json()
    assert (answer["success"], answer["accepted"]) == (True, 3)
    [rejection] = answer["rejected"]
    assert (rejection["index"], rejection["event_id"]) == (1, large["event_id"])
    assert (rejection["code"], bool(rejection["message"])) == ("event_too_large", True)
    tenant.drain()
    assert tenant.kpi("pageviews") == 3


def test_a_batch_of_nothing_is_a_success(tenant: Tenant) -> None:
    assert tenant.send([]).status_code == 200
