"""The compiled folds of the dashboards that workspaces have enabled."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tidemark.domain.definitions import Dashboard
from tidemark.domain.fold import Fold


class Folds:
    """Compiles each set of dashboards once."""

    def __init__(self, dashboards: Callable[[], Mapping[str, Dashboard]]) -> None:
        self._dashboards = dashboards
        self._compiled: dict[tuple[str, ...], Fold] = {}

    def __call__(self, names: tuple[str, ...]) -> Fold:
        """Return the fold of the dashboards `names`; those that do not exist, or no longer, are left out."""
        if names not in self._compiled:
            declared = self._dashboards()
            self._compiled[names] = Fold(declared[name] for name in names if name in declared)
        return self._compiled[names]
