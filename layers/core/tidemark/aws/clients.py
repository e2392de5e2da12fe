"""The AWS clients, made once and on first use, and what their errors mean."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, cast

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, HTTPClientError, IncompleteReadError
from botocore.exceptions import ConnectionError as BotocoreConnectionError

from tidemark.domain.errors import Conflict, Throttled, TidemarkError, Unavailable

if TYPE_CHECKING:
    from mypy_boto3_apigatewaymanagementapi.client import ApiGatewayManagementApiClient
    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_secretsmanager.client import SecretsManagerClient
    from mypy_boto3_sqs.client import SQSClient


CONNECT_TIMEOUT_SECONDS = 1
READ_TIMEOUT_SECONDS = 2
PUSH_TIMEOUT_SECONDS = 1
PUSH_ATTEMPTS = 2
"""Of a message to a connection: one that takes longer is better closed than waited for."""
OBJECT_TIMEOUT_SECONDS = 20
"""Of S3, where an object may have many megabytes."""
MODEL_TIMEOUT_SECONDS = 50
"""Of a language model, which takes seconds for an answer; ten in a row are within the worker's time."""
MODEL_ATTEMPTS = 1
"""Its jobs are tried again as a whole, behind a breaker that counts what fails."""
ATTEMPTS = 3
"""With standard retries the pauses are at most 1 s and 2 s: an unanswered call ends within 3 x 2 s + 3 s = 9 s."""
POOL_CONNECTIONS = 64
USER_AGENT = f"tidemark Boto3/{boto3.__version__}"
"""Given, since botocore otherwise makes one up anew for every call, which takes a fifth of what a call computes."""

THROTTLING_CODES = frozenset(
    {
        "LimitExceededException",
        "ProvisionedThroughputExceeded",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingError",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionInProgressException",
    }
)
CONFLICT_CODES = frozenset(
    {
        "ConditionalCheckFailed",
        "ConditionalCheckFailedException",
        "ConditionalRequestConflict",
        "PreconditionFailed",
        "TransactionConflict",
        "TransactionConflictException",
    }
)
TRANSIENT_CODES = frozenset(
    {
        "InternalFailure",
        "InternalServerError",
        "InternalServiceError",
        "RequestTimeout",
        "RequestTimeoutException",
        "ServiceUnavailable",
    }
)


_given: dict[str, Any] = {}


def use(given: boto3.session.Session, endpoint_url: str | None) -> None:
    """Make every client of the session `given`, at `endpoint_url` if there is one.

    For a program that chooses its account itself, as the operator's command line does; a function is given its own.
    """
    forget()
    _given.update(session=given, endpoint_url=endpoint_url)


@cache
def session() -> boto3.session.Session:
    """Return the one session, on whose `events` tests and the cost ledger hook."""
    return cast("boto3.session.Session", _given.get("session") or boto3.session.Session())


@cache
def dynamodb() -> DynamoDBClient:
    """Return the DynamoDB client."""
    return cast("DynamoDBClient", _client("dynamodb"))


@cache
def secretsmanager() -> SecretsManagerClient:
    """Return the Secrets Manager client."""
    return cast("SecretsManagerClient", _client("secretsmanager"))


@cache
def sqs() -> SQSClient:
    """Return the SQS client."""
    return cast("SQSClient", _client("sqs"))


@cache
def s3() -> S3Client:
    """Return the S3 client."""
    return cast("S3Client", _client("s3", read_timeout_seconds=OBJECT_TIMEOUT_SECONDS))


@cache
def bedrock() -> Any:
    """Return the client that asks language models."""
    return _client("bedrock-runtime", None, MODEL_TIMEOUT_SECONDS, MODEL_ATTEMPTS)


@cache
def execute_api(endpoint: str) -> ApiGatewayManagementApiClient:
    """Return the client that posts to the WebSocket connections of the API at `endpoint`."""
    return cast(
        "ApiGatewayManagementApiClient",
        _client("apigatewaymanagementapi", endpoint, PUSH_TIMEOUT_SECONDS, PUSH_ATTEMPTS),
    )


def condition_failed() -> type[ClientError]:
    """Return the exception of a conditional write that found another state, to catch where that is an answer."""
    return dynamodb().exceptions.ConditionalCheckFailedException


def transaction_canceled() -> type[ClientError]:
    """Return the exception of a transaction of which nothing was done."""
    return dynamodb().exceptions.TransactionCanceledException


def has_failed_condition(error: ClientError) -> bool:
    """Answer whether a transaction was canceled for a condition, not only because it met another."""
    return bool(failed_conditions(error))


def failed_conditions(error: ClientError) -> frozenset[int]:
    """Return which writes of a canceled transaction found another state, by their places in it; none for any other."""
    reasons = cast("dict[str, Any]", error.response).get("CancellationReasons", ())
    return frozenset(place for place, reason in enumerate(reasons) if reason.get("Code") == "ConditionalCheckFailed")


def item_found(error: ClientError) -> dict[str, Any]:
    """Return the item that failed a condition, if it was asked for and there is one; else an empty one."""
    found: dict[str, Any] = cast("dict[str, Any]", error.response).get("Item", {})
    return found


def forget() -> None:
    """Drop the session and every client (for tests: a client keeps the credentials and the region it was made with)."""
    _given.clear()
    for made in (session, dynamodb, secretsmanager, sqs, s3, bedrock, execute_api):
        made.cache_clear()


@contextmanager
def translated() -> Iterator[None]:
    """Turn what AWS may answer on any day into domain errors; usable as a context manager and as a decorator.

    Rates become `Throttled`; timeouts, broken connections and 5xx become `Unavailable`; a failed condition or a
    transaction that met another becomes `Conflict`. Everything else (access denied, a validation error, a connection
    that is gone) is raised as it is: the caller knows what it means, or it is a defect.
    """
    try:
        yield
    except ClientError as error:
        meaning = _meaning(cast("dict[str, Any]", error.response))
        if meaning is None:
            raise
        raise meaning from error
    except (BotocoreConnectionError, HTTPClientError, IncompleteReadError) as error:
        raise Unavailable("a dependency did not answer") from error


def _meaning(response: dict[str, Any]) -> TidemarkError | None:
    code = response.get("Error", {}).get("Code", "")
    codes = {code}
    if code == "TransactionCanceledException":
        codes |= {reason.get("Code", "") for reason in response.get("CancellationReasons", ())}
    # A condition that failed is final, so it goes before the throttling of another item of the same transaction.
    if codes & CONFLICT_CODES:
        return Conflict("another writer was first")
    if codes & THROTTLING_CODES:
        return Throttled("the store is over its rate; try again")
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if codes & TRANSIENT_CODES or status >= 500:
        return Unavailable("a dependency failed; try again")
    return None


def _client(
    service: Any,
    endpoint_url: str | None = None,
    read_timeout_seconds: int = READ_TIMEOUT_SECONDS,
    attempts: int = ATTEMPTS,
) -> Any:
    config = Config(
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
        read_timeout=read_timeout_seconds,
        retries={"mode": "standard", "total_max_attempts": attempts},
        max_pool_connections=POOL_CONNECTIONS,
        tcp_keepalive=True,
        user_agent=USER_AGENT,
    )
    return session().client(service, endpoint_url=endpoint_url or _given.get("endpoint_url"), config=config)
