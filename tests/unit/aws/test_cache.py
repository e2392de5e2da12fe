"""The cache: fresh for a while, stale when its source is down, bounded."""

from __future__ import annotations

import pytest

from tidemark.aws.cache import TimedCache
from tidemark.domain.errors import Throttled, TidemarkError, Unavailable


class Source:
    """A clock, and a source of one value with a count of how often it was asked."""

    def __init__(self) -> None:
        self.now = 0.0
        self.value: str | None = "v"
        self.asked = 0
        self.failure: TidemarkError | None = None
        self.cache = TimedCache[str](
            fresh_seconds=60, absent_seconds=5, stale_seconds=600, max_entries=2, clock=lambda: self.now
        )

    def load(self) -> str | None:
        self.asked += 1
        if self.failure:
            raise self.failure
        return self.value

    def get(self, key: str = "k") -> str | None:
        return self.cache.get(key, self.load)


def test_a_value_is_asked_for_once_while_fresh() -> None:
    source = Source()
    assert [source.get(), source.get()] == ["v", "v"]
    source.now = 59.9
    assert (source.get(), source.asked) == ("v", 1)
    source.now, source.value = 60, "w"
    assert (source.get(), source.asked) == ("w", 2)


def test_an_absence_is_remembered_briefly() -> None:
    source = Source()
    source.value = None
    assert [source.get(), source.get()] == [None, None]
    assert source.asked == 1
    source.now, source.value = 5, "v"
    assert source.get() == "v"


@pytest.mark.parametrize("failure", [Unavailable("x"), Throttled("x")])
def test_a_stale_value_stands_in_while_the_source_is_down_but_not_for_ever(failure: TidemarkError) -> None:
    source = Source()
    source.get()
    source.failure = failure
    source.now = 600
    assert source.get() == "v"
    source.now = 601
    with pytest.raises(type(failure)):
        source.get()


def test_without_a_value_the_failure_is_raised() -> None:
    source = Source()
    source.failure = Unavailable("x")
    with pytest.raises(Unavailable):
        source.get()
    source.failure, source.value = None, None
    source.get()
    source.failure, source.now = Unavailable("x"), 10
    with pytest.raises(Unavailable):
        source.get()


def test_the_least_recently_used_value_makes_room() -> None:
    source = Source()
    for key in ("a", "b", "a", "c"):
        source.get(key)
    assert source.asked == 3
    source.get("a")
    assert source.asked == 3
    source.get("b")
    assert source.asked == 4
