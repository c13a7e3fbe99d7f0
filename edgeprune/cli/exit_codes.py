"""What each failure means to a shell."""

from __future__ import annotations

import click

from edgeprune.device.errors import DeviceError
from edgeprune.errors import EdgepruneError

FAILURE = 1
USAGE = 2
UNSUPPORTED = 5
INTERRUPTED = 130

# A path that the user gave; other OSErrors (a full disk) are the machine's.
_PATH_ERRORS = (
    FileNotFoundError,
    FileExistsError,
    IsADirectoryError,
    NotADirectoryError,
    PermissionError,
)


def code_and_line(failure: BaseException) -> tuple[int, str]:
    """Exit code and the one line a user sees for `failure`."""
    if isinstance(failure, (EdgepruneError, DeviceError)):
        return failure.exit_code, f"edgeprune: {one_line(str(failure))}"
    if isinstance(failure, click.exceptions.NoArgsIsHelpError):
        return USAGE, failure.format_message()
    if isinstance(failure, click.UsageError):
        return USAGE, f"edgeprune: {one_line(failure.format_message())}{_help_hint(failure)}"
    if isinstance(failure, click.ClickException):
        return USAGE, f"edgeprune: {one_line(failure.format_message())}"
    if isinstance(failure, (KeyboardInterrupt, click.Abort)):
        return INTERRUPTED, "edgeprune: interrupted; the same command goes on, or starts again"
    if isinstance(failure, SystemExit):
        return (failure.code if isinstance(failure.code, int) else FAILURE), ""
    if isinstance(failure, ImportError):
        return UNSUPPORTED, f"edgeprune: {one_line(str(failure))} (edgeprune doctor says more)"
    if isinstance(failure, _PATH_ERRORS):
        return USAGE, f"edgeprune: {one_line(_os_error(failure))}"
    if isinstance(failure, OSError):
        return FAILURE, f"edgeprune: {one_line(_os_error(failure))}"
    kind = type(failure).__name__
    return (
        FAILURE,
        f"edgeprune: unexpected {kind}: {one_line(str(failure))} (--debug shows where)",
    )


def one_line(text: str) -> str:
    """The text with line breaks folded into spaces."""
    return " ".join(text.split())


def _help_hint(failure: click.UsageError) -> str:
    path = failure.ctx.command_path if failure.ctx else "edgeprune"
    return f" ({path} --help shows the options)"


def _os_error(failure: OSError) -> str:
    where = f": {failure.filename}" if failure.filename else ""
    return f"{failure.strerror or failure}{where}"
