"""What a replay tells while it runs, and at its end."""

from __future__ import annotations

from types import TracebackType

from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from tidemark_cli.context import err, out
from tidemark_cli.replay.checkpoint import Totals
from tidemark_cli.screen import printable

MAX_REPORTED_LINES = 20


class Report:
    """A progress bar on stderr; a `Reporter`."""

    def __init__(self, lines: int, done_lines: int) -> None:
        self._refused = 0
        self.retries = 0
        self._events = 0
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            _EventsPerSecond(),
            TimeRemainingColumn(),
            console=err,
        )
        self._task = self._progress.add_task("sending", total=lines, completed=done_lines)

    def __enter__(self) -> Report:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def advanced(self, batch: Totals) -> None:
        """A batch was answered."""
        self._events += batch.sent
        self._progress.update(self._task, advance=batch.lines, description="sending")

    def refused(self, line: int, code: str, message: str) -> None:
        """A line holds no event, or one that the server refuses: the first are told, the rest counted."""
        self._refused += 1
        if self._refused <= MAX_REPORTED_LINES:
            where = f"line {line}: " if line else ""
            err.print(printable(f"{where}{message} [{code}]"), markup=False)
        elif self._refused == MAX_REPORTED_LINES + 1:
            err.print("further lines are only counted")

    def retried(self, reason: str, pause_seconds: float) -> None:
        """A request is tried again after a pause."""
        self.retries += 1
        self._progress.update(self._task, description=f"[yellow]waiting {pause_seconds:.1f} s: {escape(reason)}[/]")

    def summarise(self, totals: Totals, duration_seconds: float) -> None:
        """Print what became of all lines, those of earlier, interrupted runs included."""
        table = Table(show_header=False, box=None)
        table.add_row("lines", f"{totals.lines:,}")
        table.add_row("sent", f"{totals.sent:,} events")
        table.add_row("accepted", f"{totals.accepted:,}")
        table.add_row("rejected", f"{totals.rejected.total():,}")
        for code, count in sorted(totals.rejected.items()):
            table.add_row("", f"{count:,} {code}")
        if self.retries:
            table.add_row("retries", f"{self.retries:,}")
        rate = self._events / duration_seconds if duration_seconds else 0
        table.add_row("duration", f"{duration_seconds:.1f} s, {rate:,.0f} events/s")
        out.print(table)


class _EventsPerSecond(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:,.0f} events/s" if task.speed else "", style="cyan")
