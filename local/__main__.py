"""`python -m local up|run|down|restart|status`: what the Makefile calls."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from types import FrameType

from local import stack
from local.errors import LocalError
from tidemark_cli.errors import CliError

INTERRUPTED = 130
ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def interrupt(_signal: int, _frame: FrameType | None) -> None:
    """Turn the first signal into KeyboardInterrupt and ignore those after it: cleaning up is not to be interrupted."""
    for ending in ENDING_SIGNALS:
        signal.signal(ending, signal.SIG_IGN)
    raise KeyboardInterrupt


def main() -> int:
    """Run one command; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    parser.add_argument("command", choices=("up", "run", "down", "restart", "status"))
    parser.add_argument("--port", type=int, default=4566, help="where the local AWS listens (for up and run)")
    parser.add_argument("--parameters", default="", help="of template.yaml, like A=1 B=2 (for up and run)")
    arguments = parser.parse_args()
    for ending in ENDING_SIGNALS:
        signal.signal(ending, interrupt)
    try:
        return execute(arguments.command, arguments.port, arguments.parameters.split())
    except (LocalError, CliError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED


def execute(command: str, port: int, parameters: Sequence[str]) -> int:
    """Run the command; return the exit code."""
    match command:
        case "up":
            stack.show(stack.up(port, parameters))
        case "run":
            stack.run(port, parameters)
        case "down":
            print("stopped" if stack.down() else "nothing ran")
        case "restart":
            print(f"the local AWS answers again at {stack.restart().endpoint_url}")
        case _:
            emulator = stack.current()
            alive = emulator is not None and emulator.pid() is not None
            print(
                f"runs at {emulator.endpoint_url}, process {emulator.pid()}" if emulator and alive else "does not run"
            )
            return 0 if alive else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
