"""Sending batches over HTTP until each event is stored or refused for good."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from tidemark_cli.backoff import full_jitter_seconds
from tidemark_cli.errors import START_HINT, CliError
from tidemark_cli.replay.source import Event

RETRIED = frozenset({429, 500, 502, 503, 504})
MAX_ATTEMPTS = 10
"""With pauses of 0.5 s, 1 s, … 30 s at most, a server may be away for about a minute and a half."""
MAX_RETRY_AFTER_SECONDS = 300
TIMEOUT = httpx.Timeout(35, connect=10)
"""API Gateway answers within 30 s, be it with 503."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """An event that was refused for good: its place in the batch, and why."""

    index: int
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a batch."""

    accepted: int
    rejected: tuple[Rejection, ...] = ()


class Sender:
    """Posts batches to `/v1/batch`; safe for concurrent use."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        http_url: str,
        write_key: str,
        on_retry: Callable[[str, float], None],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        *,
        fresh_key: bool = False,
    ) -> None:
        self._client = client
        self._url = f"{http_url}/v1/batch"
        self._auth = httpx.BasicAuth(write_key, "")
        self._on_retry = on_retry
        self._sleep = sleep
        # A key that has just been made may be unknown for some seconds: the directory is read eventually consistently,
        # and what it does not have is remembered for 5 s.
        self._retried = RETRIED | {401} if fresh_key else RETRIED

    async def send(self, events: Sequence[Event]) -> Outcome:
        """Send one batch; raises `CliError` if it is refused as a whole or the server stays away."""
        response = await self._post(events)
        body = _json_object(response)
        self._retried = RETRIED
        if response.status_code == 200 and isinstance(body.get("accepted"), int):
            return Outcome(body["accepted"], _rejections(body))
        if response.status_code in (400, 413):
            if body.get("rejected"):
                return Outcome(0, _rejections(body))
            return await self._divide(events, body)
        raise _refusal(response, body)

    async def _divide(self, events: Sequence[Event], body: dict[str, Any]) -> Outcome:
        """Find the events at fault in a batch that was refused without naming them, by halves."""
        if len(events) == 1:
            reason = Rejection(0, str(body.get("code", "invalid_request")), str(body.get("message", "refused")))
            return Outcome(0, (reason,))
        middle = len(events) // 2
        left, right = await self.send(events[:middle]), await self.send(events[middle:])
        moved = tuple(Rejection(each.index + middle, each.code, each.message) for each in right.rejected)
        return Outcome(left.accepted + right.accepted, left.rejected + moved)

    async def _post(self, events: Sequence[Event]) -> httpx.Response:
        content = gzip.compress(json.dumps({"batch": events}, separators=(",", ":")).encode(), compresslevel=1)
        # Not application/json: an HTTP API hands such a body to its function as text, which is the end of gzip.
        headers = {"Content-Type": "application/octet-stream", "Content-Encoding": "gzip"}
        for attempt in range(MAX_ATTEMPTS):
            retry_after_seconds = 0.0
            try:
                response = await self._client.post(
                    self._url, content=content, headers=headers, auth=self._auth, timeout=TIMEOUT
                )
            except httpx.TransportError as error:
                reason = f"no answer: {str(error) or type(error).__name__}"
            else:
                if response.status_code not in self._retried:
                    return response
                reason = f"status {response.status_code} {_json_object(response).get('code', '')}".rstrip()
                retry_after_seconds = _retry_after_seconds(response)
            if attempt < MAX_ATTEMPTS - 1:
                pause = retry_after_seconds + full_jitter_seconds(attempt)
                self._on_retry(reason, pause)
                await self._sleep(pause)
        raise CliError(f"gave up after {MAX_ATTEMPTS} attempts: {reason}", START_HINT)


def _refusal(response: httpx.Response, body: dict[str, Any]) -> CliError:
    if "code" not in body:
        hint = "is the URL that of a Tidemark HTTP API?"
        return CliError(f"{response.request.url} answered {response.status_code}, not as Tidemark does", hint)
    hint = "`tidemark key create` makes a key" if response.status_code in (401, 403) else ""
    return CliError(f"{body.get('message')} [{body['code']}]", hint)


def _rejections(body: dict[str, Any]) -> tuple[Rejection, ...]:
    return tuple(
        Rejection(each.get("index", -1), each.get("code", "unknown"), each.get("message", ""))
        for each in body.get("rejected", ())
    )


def _retry_after_seconds(response: httpx.Response) -> float:
    try:
        return min(max(float(response.headers.get("Retry-After", 0)), 0), MAX_RETRY_AFTER_SECONDS)
    except ValueError:
        return 0  # a date: allowed by RFC 9110, not by docs/protocol.md


def _json_object(response: httpx.Response) -> dict[str, Any]:
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
