"""Retrying what lost a race."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator

ATTEMPTS = 10
FIRST_PAUSE_SECONDS = 0.01
LONGEST_PAUSE_SECONDS = 0.5


def attempts() -> Iterator[None]:
    """Yield once an attempt, with full-jitter pauses between (M. Brooker, "Exponential backoff and jitter", 2015)."""
    for attempt in range(ATTEMPTS):
        if attempt:
            longest = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2**attempt)
            time.sleep(random.uniform(0, longest))  # noqa: S311  # spreads load; nothing secret
        yield
