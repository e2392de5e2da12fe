"""Something that is repeated from a thread of its own while work goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread


@contextmanager
def beating(beat: Callable[[], bool], every_seconds: float) -> Iterator[None]:
    """Call `beat` every so often while the body runs, until it answers False; it must not raise.

    The last call has ended when this has: nothing beats for work that is over.
    """
    ended = Event()

    def keep_on() -> None:
        while not ended.wait(every_seconds) and beat():
            pass

    thread = Thread(target=keep_on, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
