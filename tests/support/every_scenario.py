"""The scenarios of every handler, gathered."""

from __future__ import annotations

from tests.support import archived, closing
from tests.support.scenarios import SCENARIOS

__all__ = ["SCENARIOS", "archived", "closing"]
