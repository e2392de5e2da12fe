"""Exponential backoff with full jitter.

Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015: of the variants compared there, a
pause drawn evenly from [0, bound) makes the fewest calls when many clients come back at once.
"""

from __future__ import annotations

import random


def full_jitter_seconds(attempt: int, *, base_seconds: float = 0.5, cap_seconds: float = 30.0) -> float:
    """Return how long to wait before retry number `attempt` (from 0)."""
    # 2**64 is beyond any cap; without the bound, a reconnect loop of days would overflow a float.
    return random.uniform(0, min(cap_seconds, base_seconds * 2 ** min(attempt, 64)))  # noqa: S311 - jitter is no secret
