"""`make up`, `run`, `down`, `restart` and `status`: the whole local system, from nothing to a live page and back."""

from __future__ import annotations

import fcntl
import json
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from local.access import grant_access
from local.deploy import build, deploy
from local.emulator import Emulator, require_free
from local.errors import LocalError
from local.live import flow
from local.outputs import Outputs, read_outputs, write_outputs, write_sam_environment
from local.paths import EMULATOR, LOCAL, OUTPUTS, ROOT
from local.seed import seed

WATCH_SECONDS = 1.0
_STARTED = time.monotonic()


def say(message: str) -> None:
    """Print a line of progress with the seconds since the start."""
    print(f"{time.monotonic() - _STARTED:6.1f} s  {message}", flush=True)


def up(port: int, parameters: Sequence[str] = ()) -> Outputs:
    """Build, start, deploy and seed; return when the dashboard shows the data. Repeated, it brings things up to date.

    What it has started it stops again if it fails. `parameters` are those of the template to change, as NAME=VALUE.
    """
    with orchestrating():
        emulator = claim(port)
        ran_before = emulator.pid() is not None
        try:
            stack = build_and_deploy(emulator, parameters)
            outputs = grant_access(emulator.endpoint_url, stack, datetime.now(UTC), read_outputs())
            emulator.checkpoint()
            write_outputs(outputs)
            write_sam_environment(emulator.endpoint_url, stack)
        except BaseException:
            if not ran_before:
                marker().unlink(missing_ok=True)
                emulator.stop()
            raise
    say("deployed; sending what happened on the site until now")
    events = seed(outputs, stack["TokenSecretArn"], datetime.now(UTC))
    say(f"{events:,} events sent, and on the dashboard" if events else "nothing new to send")
    return outputs


def build_and_deploy(emulator: Emulator, parameters: Sequence[str]) -> dict[str, str]:
    """Build while the emulator starts, then deploy; return the stack's outputs."""
    with ThreadPoolExecutor() as pool:
        started = pool.submit(emulator.start)
        say("building with sam build")
        template = build()
        started.result()
    say(f"built; the local AWS answers at {emulator.endpoint_url}; deploying with sam deploy")
    return deploy(emulator.port, template, parameters)


def run(port: int, parameters: Sequence[str] = ()) -> None:
    """Do as `up`, then keep a live flow going until it is interrupted or brought down; then stop everything."""
    stop = threading.Event()
    try:
        outputs = up(port, parameters)
        show(outputs)
        live = threading.Thread(target=flow, args=(outputs, stop, say), name="live-flow")
        live.start()
        try:
            supervise()
        finally:
            stop.set()
            live.join()
    finally:
        say("stopping")
        down()


def supervise() -> None:
    """Return when someone has run `make down`; start the emulator again if it was killed."""
    while True:
        time.sleep(WATCH_SECONDS)
        with orchestrating():
            emulator = current()
            if emulator is None:
                say("brought down from elsewhere")
                return
            if emulator.pid() is None:
                say("the local AWS was killed; starting it again with its data")
                emulator.start()


def down() -> bool:
    """Stop the local AWS and forget that it should run; its data stays. Answer whether it ran."""
    with orchestrating():
        emulator = current()
        if emulator is None:
            return False
        marker().unlink(missing_ok=True)
        return emulator.stop()


def restart() -> Emulator:
    """Stop the local AWS and start it again with its data; raises `LocalError` if there is none."""
    with orchestrating():
        emulator = current()
        if emulator is None:
            raise LocalError("nothing runs here; `make up` starts it")
        emulator.stop()
        emulator.start()
        return emulator


def current() -> Emulator | None:
    """Return the emulator of this clone that runs, or that should and was killed."""
    try:
        return Emulator(EMULATOR, int(json.loads(marker().read_text())["port"]))
    except (OSError, ValueError, KeyError):
        return None


def claim(port: int) -> Emulator:
    """Record that the emulator is to run on the port; raises `LocalError` if it runs on another, or it is taken."""
    running = current()
    if running is None or running.pid() is None:
        require_free(port)
    elif running.port != port:
        raise LocalError(f"this clone already runs on port {running.port}; `make down` stops it")
    EMULATOR.mkdir(parents=True, exist_ok=True)
    marker().write_text(json.dumps({"port": port}))
    return Emulator(EMULATOR, port)


def show(outputs: Outputs) -> None:
    """Print where to look and how to get in."""
    page = outputs.dashboard_url
    print(
        f"""
  Dashboard   {page}
  Meetings    {page.replace("dashboard=web", "dashboard=meetings")}
  Admin       {outputs.admin_url}
  HTTP API    {outputs.http_url}/docs
  WebSocket   {outputs.websocket_url}
  Write key   {outputs.write_key}
  All of it   {OUTPUTS.relative_to(ROOT)}
""",
        flush=True,
    )


def marker() -> Path:
    """Return the file that says that this clone's emulator should run, and where."""
    return EMULATOR / "wanted.json"


@contextmanager
def orchestrating() -> Iterator[None]:
    """Let one process at a time start, deploy or stop the system of this clone."""
    LOCAL.mkdir(exist_ok=True)
    with (LOCAL / "stack.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
