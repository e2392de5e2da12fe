"""What the errors of AWS mean."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    IncompleteReadError,
    NoCredentialsError,
    ReadTimeoutError,
)

from tidemark.aws import clients
from tidemark.aws.clients import translated
from tidemark.domain.errors import Conflict, Throttled, Unavailable


def client_error(code: str, status: int = 400, reasons: list[str] | None = None) -> ClientError:
    response: Any = {"Error": {"Code": code, "Message": "m"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    if reasons is not None:
        response["CancellationReasons"] = [{"Code": reason} for reason in reasons]
    return ClientError(response, "PutItem")


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (client_error("ProvisionedThroughputExceededException"), Throttled),
        (client_error("ThrottlingException"), Throttled),
        (client_error("RequestLimitExceeded"), Throttled),
        (client_error("LimitExceededException", 429), Throttled),
        (client_error("TransactionCanceledException", reasons=["None", "ThrottlingError"]), Throttled),
        (client_error("TransactionCanceledException", reasons=["None", "ConditionalCheckFailed"]), Conflict),
        (client_error("TransactionCanceledException", reasons=["ThrottlingError", "TransactionConflict"]), Conflict),
        (client_error("ConditionalCheckFailedException"), Conflict),
        (client_error("TransactionConflictException"), Conflict),
        (client_error("InternalServerError", 500), Unavailable),
        (client_error("Whatever", 503), Unavailable),
        (client_error("RequestTimeout"), Unavailable),
        (ConnectTimeoutError(endpoint_url="https://x"), Unavailable),
        (ReadTimeoutError(endpoint_url="https://x"), Unavailable),
        (EndpointConnectionError(endpoint_url="https://x"), Unavailable),
        (IncompleteReadError(actual_bytes=1, expected_bytes=2), Unavailable),
    ],
)
def test_what_may_happen_on_any_day_becomes_a_domain_error(error: Exception, meaning: type[Exception]) -> None:
    with pytest.raises(meaning) as caught, translated():
        raise error
    assert caught.value.__cause__ is error


@pytest.mark.parametrize(
    "error",
    [
        client_error("AccessDeniedException"),
        client_error("ValidationException"),
        client_error("ResourceNotFoundException"),
        client_error("GoneException", 410),
        client_error("TransactionCanceledException", reasons=["ValidationError"]),
        NoCredentialsError(),
        KeyError("x"),
    ],
)
def test_a_defect_stays_what_it_is(error: Exception) -> None:
    with pytest.raises(type(error)) as caught, translated():
        raise error
    assert caught.value is error


def test_clients_are_made_once_and_give_up_in_time(aws: None) -> None:
    assert clients.dynamodb() is clients.dynamodb()
    config = clients.dynamodb().meta.config
    assert config.retries == {"mode": "standard", "total_max_attempts": 3}
    assert (config.connect_timeout, config.read_timeout) == (1, 2)
    assert clients.execute_api("http://127.0.0.1:9").meta.endpoint_url == "http://127.0.0.1:9"
