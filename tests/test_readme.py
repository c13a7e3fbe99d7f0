"""What the README says can be typed, can be typed."""

from __future__ import annotations

import importlib
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest

from edgeprune.cli.main import COMMANDS
from edgeprune.models.checkpoint import load_checkpoint

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def _blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def _commands() -> list[list[str]]:
    """Every `edgeprune …` of the shell blocks and of the text, as words."""
    lines = "\n".join(_blocks("bash")).replace("\\\n", " ").splitlines()
    parts = [part.strip() for line in lines for part in line.split("&&")]
    parts += re.findall(r"`(edgeprune [^`]*)`", README)
    return [shlex.split(part) for part in parts if part.startswith("edgeprune ")]


def test_there_is_something_to_check() -> None:
    assert len(_commands()) >= 5
    assert len(_blocks("python")) == 1


@pytest.mark.parametrize("words", _commands(), ids=" ".join)
def test_commands_and_their_options_exist(words: list[str]) -> None:
    name = words[1]
    if name.startswith("-"):
        return
    assert name in COMMANDS
    command: click.Command = importlib.import_module(f"edgeprune.cli.{name}").command
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= known


def test_the_teacher_that_is_kept_is_as_told() -> None:
    file = ROOT / "examples" / "benchmarks" / "results" / "tinyimagenet100" / "teacher.pt"
    held = load_checkpoint(file)
    told = " ".join(README.split())
    (command,) = [words for words in _commands() if words[1] == "train" and "--compile" in words
                  and "--epochs" in words]  # fmt: skip
    given = {name: command[command.index(f"--{name}") + 1] for name in ("data", "epochs", "seed")}
    assert given == {name: str(held.provenance[name]) for name in given}
    assert (command[2], "--compile" in command) == (held.arch, held.provenance["compile"])
    assert f"reaches {held.metrics['test_top1']:.2f} % and lies in" in told


def test_rows_of_that_teacher_are_as_told() -> None:
    folder = ROOT / "examples" / "benchmarks" / "results" / "tinyimagenet100" / "seed-0"
    reports = {
        method: json.loads((folder / method / "report.json").read_text(encoding="utf-8"))
        for method in ("sp_sad", "lth_sad", "ss_sad")
    }
    controls = {control["name"]: control["metric"] for control in reports["sp_sad"]["controls"]}
    figures = {"dense CE": controls["dense-ce"]} | {
        method.upper().replace("_", "-"): report["student"]["metric"]
        for method, report in reports.items()
    }
    told = ", ".join(f"{name} {metric:.2f} %" for name, metric in figures.items())
    assert f"four rows are measured so far, with the same settings and epochs: {told};" in " ".join(
        README.split()
    )


@pytest.mark.parametrize("snippet", _blocks("python"))
def test_python_snippets_run(snippet: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", snippet],
        capture_output=True,
        encoding="utf-8",
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_named_files_exist() -> None:
    for name in re.findall(r"`(\w+\.py)`", README):
        assert (ROOT / "examples" / "benchmarks" / name).exists(), name
    assert (ROOT / "LICENSE").read_text(encoding="utf-8").lstrip().startswith("Apache License")
