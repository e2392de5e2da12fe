"""`tidemark erase`: take a person or a session out of a workspace, and prove it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from tidemark.domain.closing import closes_at
from tidemark.services.record import PastClosing
from tidemark_cli.commands.backfill import follow, progress_bar
from tidemark_cli.context import err, now, out, settings_of
from tidemark_cli.erasure.operation import Erasure, Found
from tidemark_cli.erasure.subject import Subject, chosen_subject
from tidemark_cli.erasure.sweep import changed
from tidemark_cli.errors import CliError
from tidemark_cli.rollup.backfill import Progress, Sent
from tidemark_cli.screen import counted, printable

if TYPE_CHECKING:
    from tidemark_cli.erasure.archive import Archived

AGAIN = "the same command again finishes it"
COMPARED_ANEW = "was somebody else erased meanwhile? The same command again compares with what is there now"
MAX_COMPANIONS = 10


def erase(
    context: typer.Context,
    workspace: Annotated[str, typer.Argument(help="Which workspace.")],
    user: Annotated[str | None, typer.Option(help="Events with this user_id, and the user's messages.")] = None,
    anonymous: Annotated[str | None, typer.Option(help="Events with this anonymous_id.")] = None,
    session: Annotated[str | None, typer.Option(help="Events with this session_id, and its timeline.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what there is.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Erase a user, an anonymous visitor or a session, for good.

    Their events are taken out of the log and the archive, every hour that had some in the log is recomputed from it,
    and a second reading of the whole log, and of what has changed in the archive, proves that none is left and that the
    events of others are what they were. An hour that is still open counts them until it closes. Interrupted, or run
    again, it goes on where it was.
    """
    subject = chosen_subject(user, anonymous, session)
    settings = settings_of(context)
    found = settings.admin.workspace(workspace)
    if found.former_timezone:  # chunks are on their way from one hour to another
        raise CliError(
            f"the move of {workspace} to {found.timezone} is not finished",
            f"`tidemark workspace set {workspace} --timezone {found.timezone}` finishes it",
        )
    erasure = Erasure(settings.stack, settings.rollup, found, subject)
    before = _look(erasure, "reading", Found())
    out.print(f"workspace {workspace}: {_told(subject, before)}", markup=False)
    _tell_companions(workspace, before.companions)
    if dry_run or before.is_nothing:
        return
    if not yes and not typer.confirm("erase that for good?", err=True):
        raise CliError("nothing was erased")
    try:
        done = _erase(erasure, before)
        after = _look_again(erasure, before)
    except KeyboardInterrupt:
        err.print(f"interrupted: {AGAIN}")
        raise
    _show(before, after, done)
    _show_archive(before, after)
    _prove(subject, before, after, done)
    erasure.finish(before.hours)


def _look(erasure: Erasure, what: str, known: Found) -> Found:
    hours = sorted({*erasure.hours(now()), *known.hours})
    with progress_bar() as progress:
        task = progress.add_task(f"{what} the log", total=len(hours))
        found = erasure.look(hours, known.hours, lambda _: progress.update(task, advance=1))
        tags = erasure.archive.tags()
        archive = progress.add_task(f"{what} the archive", total=len(tags))
        found.archived = erasure.archive.look(tags, known.archived, lambda: progress.update(archive, advance=1))
    return found


def _look_again(erasure: Erasure, before: Found) -> Found:
    """Return what there is now; what is archived anew by then, by a job that had read the log before, is taken out."""
    after = _look(erasure, "reading again", before)
    anew = {hour: after.archived[hour] for hour in after.archived_hours}
    for hour in anew:
        erasure.archive.erase(hour)
    if anew:
        before.archived = {**before.archived, **anew}
        after.archived = erasure.archive.look(erasure.archive.tags(), after.archived, lambda: None)
    return after


def _erase(erasure: Erasure, before: Found) -> Progress:
    """Rewrite what was found, and return what came of the hours that were queued."""
    with progress_bar() as progress:
        task = progress.add_task("rewriting", total=len(before.hours) + len(before.archived_hours))
        sent = Sent(erasure.queue, lambda _: None)
        run = erasure.rewrite(before, sent, now, lambda _: progress.update(task, advance=1))
        progress.update(task, description="recomputing", total=len(sent.periods), completed=0)
        if sent.periods:
            follow(run, lambda at: progress.update(task, completed=at.total - at.left))
    return run.look()


def _told(subject: Subject, found: Found) -> str:
    parts = [
        f"{counted(found.events, 'event')} of {subject} in {counted(len(found.hours), 'hour')}, of"
        f" {counted(found.events_read, 'event')} in {counted(found.hours_read, 'hour')} that were read"
    ]
    if found.archived:
        parts.append(
            f"{counted(found.archived_events, 'event')} in {counted(len(found.archived_hours), 'archived hour')},"
            f" of {len(found.archived):,}"
        )
    if found.unfinished:
        parts.append(f"{counted(len(found.unfinished), 'hour')} of them left by an erasure that was interrupted")
    if found.index_entries:
        parts.append(f"{counted(found.index_entries, 'chunk')} in the index of timelines")
    if found.inbox_items:
        parts.append(f"{counted(found.inbox_items, 'item')} in the inbox")
    return "; ".join(parts)


def _tell_companions(workspace: str, found: Iterable[str]) -> None:
    """Name the anonymous ids beside a user's: what was sent before they were known has no other id."""
    companions = sorted(found)
    for name in companions[:MAX_COMPANIONS]:
        out.print(f"note: beside the user stood anonymous id {printable(name)}", markup=False)
    if len(companions) > MAX_COMPANIONS:
        out.print(f"note: and {len(companions) - MAX_COMPANIONS:,} anonymous ids more")
    if companions:
        out.print(f"events with such an id alone are left: `tidemark erase {workspace} --anonymous ID`")


def _show(before: Found, after: Found, done: Progress) -> None:
    """Print the hours, with what they had and have."""
    if not before.hours:
        return
    table = Table(box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    table.add_column("hour", no_wrap=True)
    for name in ("events", "erased", "left"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("others", no_wrap=True)
    table.add_column("recomputed", no_wrap=True)
    closings = {closing.period: closing for closing in (*done.closed, *done.failed)}
    for hour, was in before.hours.items():
        found = after.hours[hour]
        rest, now_rest = was.checksum(was.rest), found.checksum(was.rest)
        table.add_row(
            hour,
            f"{was.events:,}",
            f"{was.found:,}",
            f"{found.found:,}",
            f"= {rest}" if rest == now_rest else f"{rest} → {now_rest}",
            _recomputed(hour, closings.get(hour)),
        )
    out.print(table)


def _show_archive(before: Found, after: Found) -> None:
    """Print the archived hours, with what they had and have."""
    if not before.archived_hours:
        return
    table = Table(box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    table.add_column("archived hour", no_wrap=True)
    for name in ("events", "erased", "left", "others"):
        table.add_column(name, justify="right", no_wrap=True)
    for hour in before.archived_hours:
        was, found = before.archived[hour], after.archived.get(hour)
        others = _others(was, found) if found else "expired"
        table.add_row(hour, f"{was.events:,}", f"{was.found:,}", f"{found.found:,}" if found else "0", others)
    out.print(table)


def _others(before: Archived, after: Archived) -> str:
    return f"= {after.others:,}" if before.others == after.others else f"{before.others:,} → {after.others:,}"


def _recomputed(hour: str, closing: PastClosing | None) -> str:
    if closing is None:
        closes = datetime.fromtimestamp(closes_at(hour), UTC)
        return f"at {closes:%H:%M} UTC"
    if closing.outcome in ("kept", "failed"):
        return closing.outcome
    return counted(closing.events, "event")


def _prove(subject: Subject, before: Found, after: Found, done: Progress) -> None:
    """Print what the second reading has found; raises `CliError` if anything is left."""
    still_open = len(before.hours) - done.total
    if still_open:
        out.print(f"{counted(still_open, 'hour')} still open: live numbers count the erased events until it closes")
    if any(closing.outcome == "kept" for closing in done.closed):
        out.print("kept hours count the erased events: a part of their log has ended, so they cannot be recomputed")
    if done.failed:
        raise CliError(f"{counted(len(done.failed), 'hour')} could not be recomputed: {done.failed[0].error}", AGAIN)
    if after.is_left:
        raise CliError(f"there is something left: {_told(subject, after)}", f"is it still being sent? If not, {AGAIN}")
    moment = int(now().timestamp())
    torn = sum(len(changed(was, after.hours[hour], moment)) for hour, was in before.hours.items())
    if torn:
        raise CliError(
            f"{counted(torn, 'chunk')} had other events of others before",
            COMPARED_ANEW,
        )
    lost = sum(before.archived[hour].has_lost(after.archived.get(hour)) for hour in before.archived_hours)
    if lost:
        raise CliError(f"{counted(lost, 'archived hour')} had more events of others before", COMPARED_ANEW)
    out.print(
        f"read again: {counted(after.events_read, 'event')} in {counted(after.hours_read, 'hour')}"
        f" and {counted(len(after.archived), 'archived hour')}, none of {subject}; what others have there is unchanged",
        markup=False,
    )
