"""Failures a user can act on, one class per exit code.

Every message is one line that says what is wrong, where (file or option) and what to do about it.
The command line prints it and ends with `exit_code`; `--debug` shows the traceback.
"""

from __future__ import annotations


class EdgepruneError(Exception):
    """A failure with one clear line for the user; exit code 1."""

    exit_code = 1


class UserInputError(EdgepruneError):
    """An option, file or recipe that cannot be used as given; exit code 2."""

    exit_code = 2


class CorruptFileError(UserInputError):
    """A file that is truncated, foreign or tampered with; exit code 2."""


class RunBusyError(UserInputError):
    """A run folder that another process is working on; exit code 2."""


class AccuracyGateMissedError(EdgepruneError):
    """The student is less accurate than `--min-accuracy` asks; exit code 3."""

    exit_code = 3


class BudgetMissedError(EdgepruneError):
    """A size or cost target that this network cannot reach; exit code 4."""

    exit_code = 4


class UnsupportedError(EdgepruneError):
    """This environment or device lacks what the command needs; exit code 5."""

    exit_code = 5


class TrainingDivergedError(EdgepruneError):
    """The loss stopped being a number; exit code 1."""
