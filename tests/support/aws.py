"""The AWS in the process (moto), one request at a time, as threads of ours need it.

moto keeps its tables in plain dictionaries and goes through them without a lock: two threads at once meet "dictionary
changed size during iteration". A request to AWS is atomic; here it is as well.

There are many thousand requests in a run, so none does what need be done once, or not at all:

- moto looks among 200 patterns for the service of a request, and makes a request of a web framework of it. DynamoDB's,
  which are nearly all, go to their handler.
- An attribute of an item has one of ten types. moto looks in what it answers for all ten, each by several names.
- moto asks with each request which methods a service has, and the SDK tells with each who it is.
- A session of the SDK reads the model of each service from a file, which has megabytes; every command makes a session.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import RLock
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from botocore.loaders import create_loader
from moto import mock_aws
from moto.core.botocore_stubber import BotocoreStubber
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.core.serialize import ResponseSerializer
from moto.core.utils import method_names_from_class
from moto.dynamodb.responses import DynamoHandler

REGION = "us-east-1"
_DYNAMODB = f"https://dynamodb.{REGION}.amazonaws.com/"

_process = BotocoreStubber.process_request
_structure = ResponseSerializer._serialize_type_structure
_method_names = cache(method_names_from_class)
_loader = cache(create_loader)
_one_at_a_time = RLock()


def _process_alone(stubber: BotocoreStubber, request: Any) -> Any:
    with _one_at_a_time:
        return _process_dynamodb(request) if request.url == _DYNAMODB else _process(stubber, request)


def _process_dynamodb(request: Any) -> Any:
    given = {name: request.headers[name] for name in ("X-Amz-Target", "Content-Type")}
    headers = {name: value.decode() if isinstance(value, bytes) else value for name, value in given.items()}
    handler = DynamoHandler()
    handler.headers, handler.response_headers = headers, {}
    handler.querystring, handler.uri_match = {}, {}
    handler.current_account, handler.region = DEFAULT_ACCOUNT_ID, REGION
    parts = {"content_type": headers["Content-Type"], "method": "POST", "path": "/", "values": {}}
    handler.parse_parameters(SimpleNamespace(**parts, headers=headers, data=request.body))
    return handler.call_action()


def _serialize_attribute(serializer: Any, serialized: Any, value: Any, shape: Any, key: str) -> None:
    if shape.name != "AttributeValue":
        _structure(serializer, serialized, value, shape, key)
        return
    ((kind, content),) = value.items()
    attribute: dict[str, Any] = {}
    serializer._serialize(attribute, content, shape.members[kind], kind)
    serializer._default_serialize(serialized, attribute, shape, key)


@contextmanager
def mocked_aws() -> Iterator[None]:
    """An empty AWS, until the end of the block."""
    with (
        patch.object(BotocoreStubber, "process_request", _process_alone),
        patch.object(ResponseSerializer, "_serialize_type_structure", _serialize_attribute),
        patch("moto.core.responses.method_names_from_class", _method_names),
        patch("botocore.session.create_loader", _loader),
        patch("botocore.useragent.UserAgentString.to_string", lambda _: "tests"),
        mock_aws(),
    ):
        yield
