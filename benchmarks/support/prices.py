"""List prices of AWS in us-east-1, without free tiers, volume tiers, savings plans or taxes.

`official` is the page that is right when this table is not. It was compared on `CHECKED` with what `seen` (a stored
copy of a public page) says of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

CHECKED = "2026-11-22"
MILLION = 1_000_000
GB = 10**9
"""Bytes. AWS bills storage and logs by 2^30; the smaller unit makes the bill larger."""


@dataclass(frozen=True, slots=True)
class Price:
    """Dollars for one unit, and where that stands."""

    unit: str
    dollars: float
    official: str
    seen: str


_DYNAMODB = "https://aws.amazon.com/dynamodb/pricing/on-demand/"
_DYNAMODB_SEEN = "https://airbyte.com/data-engineering-resources/dynamodb-pricing"
_GATEWAY = "https://aws.amazon.com/api-gateway/pricing/"
_GATEWAY_SEEN = "https://amnic.com/blogs/aws-api-gateway-pricing"
_LAMBDA = "https://aws.amazon.com/lambda/pricing/"
_LAMBDA_SEEN = "https://cloudchipr.com/blog/aws-lambda-pricing"
_LOGS = "https://aws.amazon.com/cloudwatch/pricing/"
_LOGS_SEEN = "https://hykell.com/kb/platform-specific-guides/aws-cloudwatch-logs-pricing"
_SECRETS = "https://aws.amazon.com/secrets-manager/pricing/"
_SECRETS_SEEN = "https://hivebook.wiki/wiki/aws-secrets-manager-rotated-secrets-dynamic-db-credentials-kms"
_QUEUES = "https://aws.amazon.com/sqs/pricing/"
_QUEUES_SEEN = "https://www.factualminds.com/blog/amazon-sqs-pricing-64kb-rule-fifo-vs-standard/"
_TRANSFER = "https://aws.amazon.com/ec2/pricing/on-demand/"

PRICES: Mapping[str, Price] = {
    "DynamoDB writes": Price("write request unit", 0.625 / MILLION, _DYNAMODB, _DYNAMODB_SEEN),
    "DynamoDB reads": Price("read request unit", 0.125 / MILLION, _DYNAMODB, _DYNAMODB_SEEN),
    "DynamoDB storage": Price("byte-month", 0.25 / GB, _DYNAMODB, "https://aws.amazon.com/dynamodb/pricing/"),
    "DynamoDB backup": Price(
        "byte-month, point in time", 0.20 / GB, _DYNAMODB, "https://finops.com.py/services/dynamodb/backups"
    ),
    "HTTP API": Price("request of 512 KB", 1.00 / MILLION, _GATEWAY, _GATEWAY_SEEN),
    "WebSocket messages": Price("message of 32 KB", 1.00 / MILLION, _GATEWAY, _GATEWAY_SEEN),
    "WebSocket minutes": Price("minute of a connection", 0.25 / MILLION, _GATEWAY, _GATEWAY_SEEN),
    "Lambda requests": Price("request", 0.20 / MILLION, _LAMBDA, _LAMBDA_SEEN),
    "Lambda time": Price("GB-second, arm64", 0.0000133334, _LAMBDA, _LAMBDA_SEEN),
    "CloudWatch Logs": Price("byte taken in", 0.50 / GB, _LOGS, _LOGS_SEEN),
    "CloudWatch Logs storage": Price("byte-month, uncompressed", 0.03 / GB, _LOGS, _LOGS_SEEN),
    "Secrets Manager": Price("call", 0.05 / 10_000, _SECRETS, _SECRETS_SEEN),
    "SQS": Price("request of 64 KB", 0.40 / MILLION, _QUEUES, _QUEUES_SEEN),
    "Transfer out": Price("byte to the internet", 0.09 / GB, _TRANSFER, _GATEWAY_SEEN),
}
"""By service line. Lambda reads DynamoDB streams, and TTL deletes, free of charge. What does not depend on use is left
out: the secret is $0.40, and an alarm $0.10, a month."""

Use = dict[tuple[str, str], float]
"""How many units of a service line, by (line, what for)."""


def add(use: Use, more: Mapping[tuple[str, str], float], times: float = 1) -> None:
    """Add `more`, so many times, to `use`."""
    for key, quantity in more.items():
        use[key] = use.get(key, 0) + quantity * times


def dollars(use: Mapping[tuple[str, str], float]) -> dict[tuple[str, str], float]:
    """Return what every entry costs."""
    return {(line, what): quantity * PRICES[line].dollars for (line, what), quantity in use.items()}


def total(use: Mapping[tuple[str, str], float]) -> float:
    """Return what all of it costs."""
    return sum(dollars(use).values())
