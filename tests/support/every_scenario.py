"""The scenarios of every handler, and of what a command does beside them, gathered."""

from __future__ import annotations

from tests.support import analysed, archived, batched, by_hand, closing
from tests.support.scenarios import SCENARIOS

__all__ = ["SCENARIOS", "analysed", "archived", "batched", "by_hand", "closing"]
