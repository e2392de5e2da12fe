"""The administration of the pipeline, as an operator reaches it: over the HTTP API, so that every access is audited."""

from __future__ import annotations

import getpass
import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

import httpx

from tidemark.domain.pipeline_query import MAX_ROWS
from tidemark.domain.workspace import OPERATIONS
from tidemark_cli.backoff import full_jitter_seconds
from tidemark_cli.context import Settings, err
from tidemark_cli.errors import CliError

ATTEMPTS = 4
TIMEOUT_SECONDS = 35
"""API Gateway answers within 30 s, be it with 503."""
TTL = "5m"
RETRIED = frozenset({429, 500, 502, 503, 504})

Answer = dict[str, Any]


class AdminApi:
    """The routes below `/v1/admin`; whatever is asked of them may be repeated.

    Each call raises `CliError` with the message and the code of what was refused.
    """

    def __init__(self, url: str, token: str) -> None:
        self._url = f"{url}/v1/admin"
        self._headers = {"Authorization": f"Bearer {token}"}

    def get(self, path: str, **parameters: str | int | None) -> Answer:
        """Ask one route."""
        return self._call("GET", path, parameters, None)

    def post(self, path: str, body: Mapping[str, Any] | None = None, **parameters: str | None) -> Answer:
        """Have something done."""
        return self._call("POST", path, parameters, body or {})

    def entries(self, path: str, name: str, most: int, **parameters: str | None) -> Iterator[Answer]:
        """Yield at most `most` entries of a list, a page at a time."""
        cursor, left = None, most
        while left > 0:
            page = self.get(path, limit=min(left, MAX_ROWS), cursor=cursor, **parameters)
            yield from page[name]
            left -= len(page[name])
            cursor = page.get("next_cursor")
            if cursor is None:
                return

    def _call(
        self, method: str, path: str, parameters: Mapping[str, str | int | None], body: Mapping[str, Any] | None
    ) -> Answer:
        given = {name: value for name, value in parameters.items() if value is not None}
        for attempt in range(ATTEMPTS):
            response = httpx.request(
                method, f"{self._url}/{path}", params=given, json=body, headers=self._headers, timeout=TIMEOUT_SECONDS
            )
            if response.status_code not in RETRIED or attempt == ATTEMPTS - 1:
                break
            pause_seconds = full_jitter_seconds(attempt)
            err.print(f"status {response.status_code}; trying again in {pause_seconds:.1f} s")
            time.sleep(pause_seconds)
        return _read(response)


def admin_api(settings: Settings) -> AdminApi:
    """Return the API for the operator, by a token that lasts a few minutes and names who runs the command."""
    try:
        token = settings.token(OPERATIONS, "admin", TTL, f"cli:{getpass.getuser()}")
    except CliError as error:
        if not error.message.startswith("there is no workspace"):
            raise
        raise CliError(
            f"there is no workspace {OPERATIONS} yet", "CronBatchesFunction makes it, a minute after the deployment"
        ) from None
    return AdminApi(settings.stack.http_url, token)


def line(entry: Answer) -> str:
    """Return an entry as one line of JSON."""
    return json.dumps(entry, ensure_ascii=False, separators=(",", ":"))


def _read(response: httpx.Response) -> Answer:
    try:
        answer = response.json()
    except ValueError:
        answer = None
    if not isinstance(answer, dict) or (response.status_code != 200 and "code" not in answer):
        where = str(response.url).partition("?")[0]
        raise CliError(f"{where} answered {response.status_code}, not as Tidemark does", "is --stack right?")
    if response.status_code != 200:
        raise CliError(f"{answer.get('message')} [{answer['code']}]")
    return answer
