"""`tidemark watch`: a dashboard, live, in the terminal."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.live import Live

from tidemark.domain.views import View
from tidemark_cli.client import DisconnectedError, RefusedError, ServerError
from tidemark_cli.context import now, out, settings_of
from tidemark_cli.errors import START_HINT, CliError
from tidemark_cli.follow import Kind, Update, bootstrap, follow
from tidemark_cli.replica import MalformedError, Replica
from tidemark_cli.screen import Session, screen
from tidemark_cli.ticket import open_with_ticket

REFRESHES_PER_SECOND = 4


def watch(
    context: typer.Context,
    workspace: Annotated[
        str | None, typer.Option(help="Which one (by default, the local run's demo workspace).")
    ] = None,
    dashboard: Annotated[str, typer.Option(help="Which of its dashboards.")] = "web",
    days: Annotated[int, typer.Option(min=1, max=366, help="How many local days, the last of them today.")] = 30,
    to: Annotated[
        str | None, typer.Option(metavar="DATE", help="End with that day instead; such a view is shown once.")
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Show the view as it is now, and stop.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print each state as one line of JSON.")] = False,
    token: Annotated[
        str | None, typer.Option(envvar="TIDEMARK_TOKEN", help="A read token (by default, one just for this).")
    ] = None,
) -> None:
    """Watch a dashboard live, exactly as a browser does.

    Every delta is applied and its checksums are verified; after a lost connection the view comes back by its position.
    """
    settings = settings_of(context)
    view = View.parse({"dashboard": dashboard, "days": days} | ({"to": to} if to else {}))
    if token is None:
        name = settings.workspace(workspace)
        local = settings.stack.local
        own = local.read_token if name == local.workspace else None
        token = own or settings.token(name, "read", "1d")
    http_url = settings.stack.http_url
    shown = once or view.to is not None
    try:
        asyncio.run(_show(http_url, token, view, as_json) if shown else _watch(http_url, token, view, as_json))
    except RefusedError as error:
        raise CliError(str(error), "`tidemark token WORKSPACE --role read` makes a token") from None
    except DisconnectedError as error:
        raise CliError(str(error), START_HINT) from None
    except (ServerError, MalformedError) as error:
        raise CliError(str(error)) from None


async def _show(http_url: str, token: str, view: View, as_json: bool) -> None:
    replica = Replica()
    async with open_with_ticket(http_url, token) as connection:
        await bootstrap(connection, view.as_dict(), replica)
    session = Session("shown once", snapshots=1, updated_at=now())
    typer.echo(_json(replica)) if as_json else out.print(screen(_title(view), replica, session))


async def _watch(http_url: str, token: str, view: View, as_json: bool) -> None:
    replica, session = Replica(), Session()
    async with aclosing(follow(http_url, token, view.as_dict(), replica)) as updates:
        if as_json:
            async for update in updates:
                if update.kind in (Kind.SNAPSHOT, Kind.DELTA):
                    typer.echo(_json(replica))
            return
        with Live(
            console=out,
            refresh_per_second=REFRESHES_PER_SECOND,
            get_renderable=lambda: screen(_title(view), replica, session),
        ):
            async for update in updates:
                note(session, update, now())


def note(session: Session, update: Update, at: datetime) -> None:
    """Take an update into the state line."""
    session.state = "live"
    match update.kind:
        case Kind.SNAPSHOT:
            session.snapshots += 1
            session.updated_at = at
        case Kind.DELTA:
            session.deltas += 1
            session.updated_at = at
        case Kind.DISCONNECTED:
            session.state = f"reconnecting in {update.retry_seconds:.1f} s ({update.reason})"


def _title(view: View) -> str:
    window = f"{view.days} days" + (f" to {view.to.isoformat()}" if view.to else "")
    return f"{view.dashboard}, {window}"


def _json(replica: Replica) -> str:
    position: dict[str, Any] | None = replica.position.as_dict() if replica.position else None
    state = {
        "position": position,
        "generated_at": replica.generated_at,
        "checksums": replica.checksums,
        "sections": replica.sections,
    }
    return json.dumps(state, ensure_ascii=False, separators=(",", ":"))
