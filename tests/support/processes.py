"""The execution environments of Lambda, and the clock that their handlers read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from itertools import count
from types import CodeType, ModuleType
from typing import Any
from unittest.mock import patch

from tests.template import ROOT
from tidemark import bootstrap

HANDLERS = tuple(sorted(path.parent.name for path in (ROOT / "functions").glob("*/handler.py")))
SLOW_STARTERS = {"http_api"}
"""Their processes stay warm from one world to the next, unless a test restarts them."""

_modules = count(1)
_RealContainer = bootstrap.Container


@dataclass
class Process:
    """An execution environment of Lambda: the module of a handler and the container that it uses."""

    handler: str
    clock: type[datetime] = datetime
    container: bootstrap.Container = field(default_factory=_RealContainer)
    _module: Any = None

    def invoke(self, event: Mapping[str, Any]) -> Any:
        """Run the handler; its module is imported by file when it is first needed, as on a cold start."""
        bootstrap.container.cache_clear()
        with patch.object(bootstrap, "Container", lambda: self.container):
            try:
                if self._module is None:
                    self._module = self._import()
                if hasattr(self._module, "datetime"):
                    self._module.datetime = self.clock
                return self._module.handler(event, None)
            finally:
                bootstrap.container.cache_clear()

    def _import(self) -> Any:
        module = ModuleType(f"handler_{self.handler}_{next(_modules)}")
        exec(_code_of(self.handler), module.__dict__)
        return module


@cache
def _code_of(handler: str) -> CodeType:
    """Compile a handler; there are many thousand processes."""
    path = ROOT / "functions" / handler / "handler.py"
    return compile(path.read_bytes(), str(path), "exec")


def clock_of(now: Callable[[], datetime]) -> type[datetime]:
    """Return a stand-in for `datetime` whose `now` is that of a world."""

    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return now().astimezone(tz)

    return Clock
