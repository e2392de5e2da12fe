"""The AWS in the process (moto), one request at a time, as threads of ours need it.

moto keeps its tables in plain dictionaries and goes through them without a lock: two threads at once meet "dictionary
changed size during iteration". A request to AWS is atomic; here it is as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock
from typing import Any
from unittest.mock import patch

from moto import mock_aws
from moto.core.botocore_stubber import BotocoreStubber

_process = BotocoreStubber.process_request
_one_at_a_time = RLock()


def _process_alone(stubber: BotocoreStubber, request: Any) -> Any:
    with _one_at_a_time:
        return _process(stubber, request)


@contextmanager
def mocked_aws() -> Iterator[None]:
    """An empty AWS, until the end of the block."""
    with patch.object(BotocoreStubber, "process_request", _process_alone), mock_aws():
        yield
