"""Each shim restores what AWS does: one test a shim, named like it."""

from __future__ import annotations

import base64
import gzip
import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from websockets.sync.client import connect

from .conftest import TEMPLATE, LocalAws

WORKERS_PER_FUNCTION = 4
"""local/launcher/shims/bounded_workers.py, which only MiniStack's own environment can import."""


def invoke(local_aws: LocalAws, function: str, payload: dict[str, Any] | None = None) -> dict[str, Any]:
    answer = local_aws.client("lambda").invoke(FunctionName=function, Payload=json.dumps(payload or {}))
    return {"error": answer.get("FunctionError"), "payload": json.loads(answer["Payload"].read())}


def websocket_url(local_aws: LocalAws) -> str:
    return local_aws.http_url("WebSocket").replace("http://", "ws://") + "/live"


def test_log_wait_a_silent_invocation_does_not_wait_for_log_lines(local_aws: LocalAws) -> None:
    client = local_aws.client("lambda")
    client.invoke(FunctionName="silent")
    seconds = []
    for _ in range(9):
        started = time.perf_counter()
        client.invoke(FunctionName="silent")
        seconds.append(time.perf_counter() - started)
    assert min(seconds) < 0.040  # 50 ms and more without the shim


def test_iam_actions_a_batch_is_authorised_as_the_single_call(local_aws: LocalAws) -> None:
    answer = invoke(local_aws, "batch")
    assert answer["error"] is None, answer["payload"]
    assert [entry["Id"] for entry in answer["payload"]] == ["1"]


def test_iam_is_enforced(local_aws: LocalAws) -> None:
    answer = invoke(local_aws, "batch", {"delete": True})
    assert answer["error"]
    assert "AccessDenied" in answer["payload"]["errorMessage"]


def test_error_types_name_the_class_of_the_exception(local_aws: LocalAws) -> None:
    answer = invoke(local_aws, "failing")
    assert answer["payload"]["errorType"] == "OutOfStock"


def test_websocket_routes_run_in_parallel(local_aws: LocalAws) -> None:
    def ask(_: int) -> float:
        with connect(websocket_url(local_aws)) as socket:
            socket.send('{"action":"slow"}')  # a worker that is started counts against nobody
            socket.recv(timeout=10)
            started = time.perf_counter()
            socket.send('{"action":"slow"}')
            assert json.loads(socket.recv(timeout=10)) == {"route": "slow"}
            return time.perf_counter() - started

    with ThreadPoolExecutor(3) as pool:
        assert max(pool.map(ask, range(3))) < 1.9  # one after the other: up to 3 s


def test_websocket_routes_do_not_leak_the_text_of_an_exception(local_aws: LocalAws) -> None:
    with connect(websocket_url(local_aws)) as socket:
        socket.send('{"action":"fail"}')
        message = json.loads(socket.recv(timeout=10))
    assert message["message"] == "Internal server error"
    assert {"connectionId", "requestId"} <= message.keys()
    assert "secret" not in json.dumps(message)


def test_websocket_routes_are_logged(local_aws: LocalAws) -> None:
    with connect(websocket_url(local_aws)) as socket:
        socket.send('{"action":"fail"}')
        socket.recv(timeout=10)
    events = local_aws.client("logs").filter_log_events(logGroupName="/aws/lambda/socket")["events"]
    assert any("a secret of the server" in event["message"] for event in events)


def test_http_api_routes_come_from_the_body(local_aws: LocalAws) -> None:
    url = local_aws.http_url("HttpApi")
    assert httpx.get(f"{url}/things/1").text == "GET /things/{id}"
    assert httpx.post(f"{url}/elsewhere").text == "$default"


def test_compressed_bodies_reach_the_function_whole(local_aws: LocalAws) -> None:
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    sent = gzip.compress(b'{"batch": []}')
    answer = httpx.post(f"{local_aws.http_url('HttpApi')}/body", content=sent, headers=headers)
    assert base64.b64decode(answer.text) == sent


@pytest.mark.parametrize("api", ["HttpApi", "ApiWithCors"])
def test_http_api_cors_preflight_is_answered(local_aws: LocalAws, api: str) -> None:
    headers = {"origin": "https://example.com", "access-control-request-method": "GET"}
    answer = httpx.options(f"{local_aws.http_url(api)}/things/1", headers=headers)
    assert answer.headers["access-control-allow-origin"] == "https://example.com"


def test_http_api_routes_and_cors_follow_a_template_that_changes(local_aws: LocalAws) -> None:
    route = 'Properties: {ApiId: !Ref HttpApi, Path: "/things/{id}", Method: GET}'
    template = TEMPLATE.read_text().replace(route, route.replace("things", "goods"))
    local_aws.update(template.replace("AllowMethods: [GET]", "AllowMethods: [GET, POST]"))
    try:
        url = local_aws.http_url("HttpApi")
        assert httpx.get(f"{url}/goods/1").text == "GET /goods/{id}"
        assert httpx.get(f"{url}/things/1").text == "$default"
        headers = {"origin": "https://example.com", "access-control-request-method": "POST"}
        for api in ("HttpApi", "ApiWithCors"):
            answer = httpx.options(f"{local_aws.http_url(api)}/goods/1", headers=headers)
            assert answer.headers["access-control-allow-methods"] == "GET,POST"
    finally:
        local_aws.update(TEMPLATE.read_text())


def test_table_ttl_is_kept(local_aws: LocalAws) -> None:
    described = local_aws.client("dynamodb").describe_time_to_live(TableName="shims")["TimeToLiveDescription"]
    assert described == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires_at"}


def test_reserved_concurrency_is_kept(local_aws: LocalAws) -> None:
    answer = local_aws.client("lambda").get_function_concurrency(FunctionName="echo")
    assert answer["ReservedConcurrentExecutions"] == 7


def test_accepted_types_are_part_of_the_stack(local_aws: LocalAws) -> None:
    resources = local_aws.client("cloudformation").list_stack_resources(StackName="shims")["StackResourceSummaries"]
    types = {resource["ResourceType"] for resource in resources}
    assert types >= {
        "AWS::ApiGatewayV2::RouteResponse",
        "AWS::CloudWatch::CompositeAlarm",
        "AWS::CodeDeploy::Application",
    }


def test_functions_see_nothing_of_the_environment_of_the_caller(local_aws: LocalAws) -> None:
    names = set(invoke(local_aws, "silent")["payload"])
    assert "AWS_ENDPOINT_URL" in names
    assert not names & {"PYTHONPATH", "VIRTUAL_ENV", "AWS_PROFILE", "PYTEST_CURRENT_TEST", "PYTEST_VERSION"}


def test_stream_pollers_a_slow_function_of_one_stream_does_not_delay_another(local_aws: LocalAws) -> None:
    dynamodb = local_aws.client("dynamodb")

    def exists(pk: str) -> bool:
        return "Item" in dynamodb.get_item(TableName="shims", Key={"pk": {"S": pk}}, ConsistentRead=True)

    def until(pk: str) -> None:
        deadline = time.monotonic() + 20
        while not exists(pk):
            assert time.monotonic() < deadline, f"{pk} never comes"
            time.sleep(0.02)

    dynamodb.put_item(TableName="slow", Item={"pk": {"S": "1"}})
    until("copy-slow-began")
    dynamodb.put_item(TableName="shims", Item={"pk": {"S": "quick"}})
    until("copy-quick")
    assert not exists("copy-slow-ended")
    until("copy-slow-ended")


def crowd(local_aws: LocalAws) -> tuple[set[int], set[str]]:
    """Return the processes that invocations at the same time met, and the folders that these ran in."""
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: invoke(local_aws, "busy"), range(20)))
    assert all(answer["error"] is None for answer in answers)
    return {answer["payload"][0] for answer in answers}, {answer["payload"][1] for answer in answers}


def test_bounded_workers_a_crowd_shares_a_few_processes(local_aws: LocalAws) -> None:
    assert len(crowd(local_aws)[0]) <= WORKERS_PER_FUNCTION


def test_shared_code_is_unpacked_once_for_all_processes_of_a_function(local_aws: LocalAws) -> None:
    processes, folders = crowd(local_aws)
    assert len(processes) > 1
    assert len(folders) == 1
