from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
import pytest

from edgeprune.cli.exit_codes import code_and_line
from edgeprune.errors import (
    AccuracyGateMissedError,
    BudgetMissedError,
    EdgepruneError,
    TrainingDivergedError,
    UnsupportedError,
    UserInputError,
)


def _edgeprune(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "edgeprune", *arguments],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (EdgepruneError("x"), 1),
        (TrainingDivergedError("x"), 1),
        (UserInputError("x"), 2),
        (click.UsageError("x"), 2),
        (AccuracyGateMissedError("x"), 3),
        (BudgetMissedError("x"), 4),
        (UnsupportedError("x"), 5),
        (KeyboardInterrupt(), 130),
        (OSError(28, "No space left on device"), 1),
        (ZeroDivisionError("x"), 1),
    ],
)
def test_each_failure_has_its_code_and_one_line(failure: BaseException, code: int) -> None:
    found, line = code_and_line(failure)
    assert found == code
    assert "\n" not in line


def test_help_lists_the_commands_and_imports_nothing_heavy() -> None:
    code = (
        "import sys; sys.argv = ['edgeprune', '--help']\n"
        "from edgeprune.cli.main import run\n"
        "try: run()\n"
        "except SystemExit as end: assert end.code == 0\n"
        "heavy = {'torch', 'numpy', 'onnx', 'pydantic', 'rich', 'yaml'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stderr
    assert "compress" in done.stdout


def test_unknown_command_and_option_end_with_two() -> None:
    for arguments in (("frobnicate",), ("compress", "--frobnicate")):
        done = _edgeprune(*arguments)
        assert done.returncode == 2
        assert done.stderr.startswith("edgeprune: ")
        assert done.stderr.count("\n") == 1


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    out = str(tmp_path / "run")
    done = _edgeprune("compress", "no-such-file.pt", "--data", "digits", "--out", out, "--debug")
    assert done.returncode == 2
    assert "Traceback" in done.stderr
