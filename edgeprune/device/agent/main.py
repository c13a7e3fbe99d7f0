"""`python3 edgeprune-agent.pyz COMMAND`: runs one, tells what happens, ends with its code."""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from typing import Sequence

from edgeprune.device.agent.commands import COMMANDS
from edgeprune.device.agent.events import Events, JsonEvents, TextEvents
from edgeprune.device.agent.options import make_parser
from edgeprune.device.agent.signals import EndedError, end_on_signals
from edgeprune.device.cache import CACHE_VARIABLE
from edgeprune.device.errors import DeviceError

_FAILURE, _UNSUPPORTED, _INTERRUPTED = 1, 5, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; its exit code."""
    parser = make_parser()
    given = parser.parse_args(arguments)
    if given.command is None:
        parser.print_help(sys.stderr)
        return 2
    if given.cache is not None:
        os.environ[CACHE_VARIABLE] = str(given.cache)
    end_on_signals()
    return _run(given, _events(given.format))


def _run(given: argparse.Namespace, events: Events) -> int:
    try:
        events.result(given.command, COMMANDS[given.command](given, events))
    except BrokenPipeError:
        return _INTERRUPTED  # nobody listens any more
    except BaseException as failure:
        if isinstance(failure, SystemExit):
            raise
        if given.debug:
            traceback.print_exc()
        code, line = _told(failure)
        events.failure(code, line)
        return code
    return 0


def _told(failure: BaseException) -> tuple[int, str]:
    if isinstance(failure, DeviceError):
        return failure.exit_code, " ".join(str(failure).split())
    if isinstance(failure, (KeyboardInterrupt, EndedError)):
        return _INTERRUPTED, "interrupted; the same command starts again"
    if isinstance(failure, ImportError):
        return _UNSUPPORTED, f"this Python lacks something: {_first_line(failure)}"
    if isinstance(failure, OSError):
        where = f": {failure.filename}" if failure.filename else ""
        return _FAILURE, f"{failure.strerror or failure}{where}"
    return _FAILURE, f"unexpected {type(failure).__name__}: {failure} (--debug shows where)"


def _first_line(failure: Exception) -> str:
    """Numpy answers with a page where one of its libraries is missing."""
    lines = [line.strip() for line in str(failure).splitlines() if line.strip()]
    original = [line for line in lines if line.startswith("Original error")]
    return (original or lines or [type(failure).__name__])[0]


def _events(form: str) -> Events:
    is_text = form == "text" or (form == "auto" and sys.stdout.isatty())
    return TextEvents(sys.stdout) if is_text else JsonEvents(sys.stdout)


if __name__ == "__main__":
    sys.exit(main())
