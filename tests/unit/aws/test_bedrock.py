"""The provider that asks a model: the request it makes, and what it makes of every kind of answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ConnectTimeoutError, NoCredentialsError, ReadTimeoutError
from botocore.stub import ANY, Stubber

from tests.support.usual import HOUR, context, usual
from tidemark.aws import bedrock, clients
from tidemark.aws.bedrock import MAX_TOKENS, BedrockProvider
from tidemark.domain.answers import INSTRUCTIONS, SCHEMA, TOOL
from tidemark.domain.briefing import MAX_PROMPT_BYTES
from tidemark.services.analysis_ports import ProviderRefused, ProviderUnavailable

MODEL = "some.model-v1:0"
CONTEXT = context(600, known=usual())
Metered = list[tuple[str, int, int, float]]


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    made = boto3.client("bedrock-runtime", "us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    monkeypatch.setattr(clients, "bedrock", lambda: made)
    with Stubber(made) as stubber:
        yield stubber


def analyse(metered: Metered | None = None) -> Any:
    taken: Metered = [] if metered is None else metered
    return BedrockProvider(MODEL, (0.06, 0.24), lambda *used: taken.append(used)).analyse(CONTEXT)


def answered(given: Any, reason: str = "tool_use", content: list[Any] | None = None) -> dict[str, Any]:
    call = {"toolUse": {"toolUseId": "t", "name": TOOL, "input": given}}
    return {
        "output": {"message": {"role": "assistant", "content": [call] if content is None else content}},
        "stopReason": reason,
        "usage": {"inputTokens": 2000, "outputTokens": 300, "totalTokens": 2300},
        "metrics": {"latencyMs": 900},
    }


VALID = {
    "summary": "Page views are far above what is usual.",
    "confidence": 0.9,
    "patterns": [{"kind": "anomaly", "text": "Page views are at 600.", "confidence": 0.9, "figures": ["f1"]}],
    "recommendations": ["See where they come from."],
}


def test_a_valid_answer_is_an_insight_and_what_it_took_is_metered(stub: Stubber) -> None:
    metered: Metered = []
    stub.add_response("converse", answered(VALID))
    insight = analyse(metered)
    assert (insight.provider, insight.model, insight.events) == ("bedrock", MODEL, 100)
    assert insight.summary == VALID["summary"]
    assert insight.patterns[0].figures[0].value == 600
    assert (insight.first_event_at[:16], insight.last_event_at[:16]) == (f"{HOUR[:11]}10:50", f"{HOUR[:11]}10:59")
    assert metered == [(MODEL, 2000, 300, pytest.approx((2000 * 0.06 + 300 * 0.24) / 1e6))]


def test_the_request_is_bounded_forces_the_tool_and_names_nobody(stub: Stubber) -> None:
    sent: list[dict[str, Any]] = []
    clients.bedrock().meta.events.register(
        "provide-client-params.bedrock-runtime.Converse", lambda params, **_: sent.append(params)
    )
    stub.add_response("converse", answered(VALID), {"modelId": MODEL} | dict.fromkeys(_PARAMETERS, ANY))
    analyse()
    (request,) = sent
    assert request["inferenceConfig"]["maxTokens"] == MAX_TOKENS
    assert request["toolConfig"]["toolChoice"] == {"any": {}}
    (tool,) = request["toolConfig"]["tools"]
    assert tool["toolSpec"]["inputSchema"]["json"] == SCHEMA
    (message,) = request["messages"]
    text = message["content"][0]["text"]
    assert len(text.encode()) <= MAX_PROMPT_BYTES
    assert len(INSTRUCTIONS) + len(json.dumps(SCHEMA)) < 2_500
    for secret in ("user-", "anonymous", "@", "acme", CONTEXT.events[0]["event_id"]):
        assert secret not in json.dumps(request)


_PARAMETERS = ("system", "messages", "inferenceConfig", "toolConfig")


@pytest.mark.parametrize(
    "code",
    [
        "ThrottlingException",
        "ModelTimeoutException",
        "ModelNotReadyException",
        "ModelErrorException",
        "ServiceUnavailableException",
        "InternalServerException",
        "AccessDeniedException",
        "ResourceNotFoundException",
        "ValidationException",
    ],
)
def test_a_model_that_cannot_be_asked_is_unavailable_and_says_why(stub: Stubber, code: str) -> None:
    stub.add_client_error("converse", code, http_status_code=400)
    with pytest.raises(ProviderUnavailable, match=code):
        analyse()


@pytest.mark.parametrize(
    "error",
    [ReadTimeoutError(endpoint_url="https://x"), ConnectTimeoutError(endpoint_url="https://x"), NoCredentialsError()],
)
def test_a_model_that_does_not_answer_is_unavailable(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    class Silent:
        def converse(self, **_: Any) -> None:
            raise error

    monkeypatch.setattr(clients, "bedrock", Silent)
    with pytest.raises(ProviderUnavailable, match=type(error).__name__):
        analyse()


@pytest.mark.parametrize(
    "answer",
    [
        answered(VALID, reason="max_tokens"),
        answered(VALID, reason="guardrail_intervened"),
        answered(VALID, reason="malformed_tool_use"),
        answered(VALID, content=[{"text": "Page views are at 600."}]),
        answered(VALID, content=[]),
        answered(VALID, content=answered(VALID)["output"]["message"]["content"] * 2),
        answered(VALID, content=[{"toolUse": {"toolUseId": "t", "name": "other", "input": VALID}}]),
        answered({}),
        answered(VALID | {"summary": "It rose by 12345."}),
        answered(VALID | {"summary": "x" * 401}),
    ],
)
def test_an_answer_that_does_not_hold_is_refused_and_metered_all_the_same(stub: Stubber, answer: Any) -> None:
    metered: Metered = []
    stub.add_response("converse", answer)
    with pytest.raises(ProviderRefused):
        analyse(metered)
    assert len(metered) == 1


def test_the_client_waits_for_a_model_and_leaves_it_to_the_job_to_try_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    clients.forget()
    config = bedrock.clients.bedrock().meta.config
    assert (config.read_timeout, config.retries["total_max_attempts"]) == (clients.MODEL_TIMEOUT_SECONDS, 1)
    clients.forget()
