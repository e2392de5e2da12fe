"""Events over HTTP, as a producer sends them: in batches, again when the backend asks for patience."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

import httpx

from local.errors import LocalError
from local.outputs import Outputs
from local.traffic import Event

FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 10.0
REQUEST_SECONDS = 30.0


class Sender:
    """Sends to `POST /v1/batch` with the write key; use it as a context manager. Safe for use by several threads."""

    def __init__(self, outputs: Outputs, patience_seconds: float) -> None:
        self._client = httpx.Client(
            base_url=outputs.http_url, auth=(outputs.write_key, ""), timeout=REQUEST_SECONDS, trust_env=False
        )
        self._patience_seconds = patience_seconds

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def send(self, events: Sequence[Event], stop: threading.Event | None = None) -> None:
        """Send one batch; tried again with growing pauses, so that events must carry ids.

        Raises `LocalError` if the events are refused, or not accepted within the patience or before `stop` is set.
        """
        stop = stop or threading.Event()
        deadline = time.monotonic() + self._patience_seconds
        pause = FIRST_PAUSE_SECONDS
        while True:
            answer = self._try(events)
            if isinstance(answer, httpx.Response) and answer.status_code == httpx.codes.OK:
                if rejected := answer.json()["rejected"]:
                    raise LocalError(f"{len(rejected)} events were rejected, the first: {rejected[0]}")
                return
            if isinstance(answer, httpx.Response) and answer.is_client_error and answer.status_code != 429:
                raise LocalError(f"POST /v1/batch was answered {answer.status_code}: {answer.text}")
            if time.monotonic() + pause > deadline or stop.is_set():
                told = answer.text if isinstance(answer, httpx.Response) else repr(answer)
                raise LocalError(f"POST /v1/batch did not succeed within {self._patience_seconds:.0f} s: {told}")
            stop.wait(pause * random.uniform(0.5, 1))  # noqa: S311  # jitter
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    def _try(self, events: Sequence[Event]) -> httpx.Response | httpx.TransportError:
        try:
            return self._client.post("/v1/batch", json={"batch": list(events)})
        except httpx.TransportError as error:
            return error
