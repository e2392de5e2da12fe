"""Has the viewers of a workspace see the insights that were stored."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from tidemark.services.analyse import Outcome
from tidemark.services.ports import Directory, Workspace


class ShowInsights:
    """Refreshes the watched views, once a workspace.

    A worker may die between storing an insight and this. So it is done, too, for jobs that had succeeded before: their
    message comes again until it was done.
    """

    def __init__(
        self,
        directory: Directory,
        refresh: Callable[[Workspace, datetime], None],
        on_failure: Callable[[str, Exception], None],
    ) -> None:
        self._directory = directory
        self._refresh = refresh
        self._on_failure = on_failure

    def __call__(self, outcomes: Iterable[Outcome], now: datetime) -> set[str]:
        """Refresh the views of all workspaces with insights; return those of which that failed."""
        failed = set()
        for name in sorted({outcome.workspace for outcome in outcomes if outcome.has_insight}):
            try:
                workspace = self._directory.workspace(name)
                if workspace is not None:
                    self._refresh(workspace, now)
            except Exception as error:  # noqa: BLE001  # told; the other workspaces must have their turn
                self._on_failure(name, error)
                failed.add(name)
        return failed
