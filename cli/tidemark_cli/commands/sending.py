"""Sending the events of a plan, with its progress shown."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Annotated

import httpx
import typer

from tidemark_cli.commands.replay_report import Report
from tidemark_cli.commands.target import Target
from tidemark_cli.context import err
from tidemark_cli.errors import CliError
from tidemark_cli.replay.checkpoint import Checkpoint
from tidemark_cli.replay.plan import Plan
from tidemark_cli.replay.run import Replay
from tidemark_cli.replay.sender import Sender

# What the commands that send a file all take.
File = Annotated[
    str, typer.Argument(help="NDJSON of native or Segment events, or a combined access log; .gz too; - is stdin.")
]
ToWorkspace = Annotated[str | None, typer.Option(help="Where to (by default, the local run's demo workspace).")]
Batch = Annotated[int, typer.Option(min=1, max=2500, help="Lines per request.")]
Concurrency = Annotated[int, typer.Option(min=1, max=64, help="Requests at a time.")]
Restart = Annotated[
    bool, typer.Option("--restart", help="Begin at the first line, also if an earlier run was interrupted.")
]


@dataclass(frozen=True, slots=True)
class Manner:
    """How events are sent: `batch` lines a request, `concurrency` requests at a time, at most `rate` events a second.

    `strict` stops at the first line that is refused.
    """

    batch: int
    concurrency: int
    strict: bool
    rate: float | None = None


def send(plan: Plan, target: Target, checkpoint: Checkpoint, manner: Manner) -> None:
    """Send what the checkpoint does not have, and print what became of it; raises `CliError` if it cannot."""
    started = time.monotonic()
    with Report(plan.lines, checkpoint.resumed_lines) as report:

        async def sending() -> None:
            limits = httpx.Limits(max_connections=manner.concurrency)
            async with httpx.AsyncClient(limits=limits) as client:
                sender = Sender(client, target.http_url, target.write_key, report.retried, fresh_key=target.fresh_key)
                run = Replay(
                    plan, sender, checkpoint, report, manner.batch, manner.concurrency, manner.strict, manner.rate
                )
                await run.run()

        try:
            asyncio.run(sending())
        except KeyboardInterrupt:
            err.print(
                f"interrupted after {checkpoint.totals.lines:,} of {plan.lines:,} lines; the same command continues"
            )
            raise
        except CliError:
            err.print(f"stopped after {checkpoint.totals.lines:,} of {plan.lines:,} lines; the same command continues")
            raise
    report.summarise(checkpoint.totals, time.monotonic() - started)


def told_resumption(checkpoint: Checkpoint) -> str:
    """Return where an interrupted run goes on; empty if this is none."""
    if not checkpoint.resumed_lines:
        return ""
    return f"continues after {checkpoint.resumed_lines:,} lines (--restart begins again)"
