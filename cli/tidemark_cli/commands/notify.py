"""`tidemark notify`: a message to a user."""

from __future__ import annotations

import json
import time
from typing import Annotated, Any
from uuid import uuid4

import httpx
import typer

from tidemark_cli.backoff import full_jitter_seconds
from tidemark_cli.context import err, out, settings_of
from tidemark_cli.errors import CliError, UsageError

ATTEMPTS = 4
TIMEOUT_SECONDS = 35
"""API Gateway answers within 30 s, be it with 503."""
RETRIED = frozenset({429, 500, 502, 503, 504})
PLACES = {"thread": "the connections of the thread", "user": "the user's connections", "inbox": "the inbox"}


def notify(
    context: typer.Context,
    user: Annotated[str, typer.Argument(help="Whom it is for: the `sub` of the user's token.")],
    body: Annotated[str, typer.Option(help="What it says: a JSON object of at most 8 KB.")],
    thread: Annotated[str | None, typer.Option(help="Connections that listen for this thread come first.")] = None,
    workspace: Annotated[str | None, typer.Option(help="The user's; by default the one of `make up`.")] = None,
    message_id: Annotated[str | None, typer.Option(help="Makes the message one, however often it is sent.")] = None,
) -> None:
    """Send a message to a user: to those who listen, else it waits for the user, for 30 days at most."""
    settings = settings_of(context)
    name = settings.workspace(workspace)
    headers = {"Authorization": f"Bearer {settings.token(name, 'admin', '5m')}"}
    message: dict[str, Any] = {"user": user, "body": _parsed(body), "message_id": message_id or uuid4().hex}
    if thread is not None:
        message["thread"] = thread
    answer = _post(f"{settings.stack.http_url}/v1/workspaces/{name}/notify", message, headers)
    out.print(f"message {answer['message_id']} went to {PLACES.get(answer['delivery'], answer['delivery'])}")


def _parsed(body: str) -> dict[str, Any]:
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        raise UsageError("the body is not JSON", 'quote it for the shell: --body \'{"text":"hello"}\'') from None
    if not isinstance(parsed, dict):
        raise UsageError("the body is a JSON object")
    return parsed


def _post(url: str, message: dict[str, Any], headers: dict[str, str]) -> dict[str, Any]:
    """Send the message until it is answered for good; it has an id, so that it stays one."""
    for attempt in range(ATTEMPTS):
        response = httpx.post(url, json=message, headers=headers, timeout=TIMEOUT_SECONDS)
        if response.status_code not in RETRIED or attempt == ATTEMPTS - 1:
            break
        pause_seconds = full_jitter_seconds(attempt)
        err.print(f"status {response.status_code}; trying again in {pause_seconds:.1f} s")
        time.sleep(pause_seconds)
    try:
        answer = response.json()
    except ValueError:
        answer = None
    if not isinstance(answer, dict) or not answer.keys() & {"delivery", "code"}:
        raise CliError(f"{url} answered {response.status_code}, not as Tidemark does", "is --stack right?")
    if response.status_code != 200:
        raise CliError(f"{answer.get('message')} [{answer['code']}]")
    return answer
