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
from edgeprune.recipe import METHODS
from edgeprune.report.numerals import interval
from edgeprune.statistics import DifferenceInterval

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
RESULTS = ROOT / "examples" / "benchmarks" / "results"
CONTROLS = {
    "width": "a dense student of that size",
    "reinit": "its widths, weights drawn anew",
    "random-mask": "as many channels, chosen at random",
    "ce": "its channels, cross-entropy alone",
    "kd-only": "its channels, without attention (β = 0)",
}


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


@pytest.mark.parametrize("setting", ["tinyimagenet100", "fashion-mnist"])
def test_tables_of_the_methods_are_as_measured(setting: str) -> None:
    """Each row's figures stand in one line of the README; a method's controls in its column."""
    held = json.loads((RESULTS / f"{setting}.json").read_text(encoding="utf-8"))
    lines = README.splitlines()
    for row in held["rows"]:
        if "/" in row["name"]:
            continue
        name, _, epochs, params, macs, top1, difference, _, latency = row["cells"]
        wanted = f"| {name} | {epochs} | {params} | {macs} | {top1} | {difference} | {latency} |"
        assert wanted in lines, wanted
    methods = {row["name"]: row for row in held["rows"] if row["name"] in METHODS}
    found = {(duel["first"], duel["second"]): duel["difference"] for duel in held["duels"]}
    controls = {row["name"].partition("/")[2] for row in held["rows"] if "/" in row["name"]}
    others = {CONTROLS[name]: [f"{method}/{name}" for method in methods] for name in controls}
    if controls:
        peers = {row["name"]: row["cells"][0] for row in held["rows"] if "peer-" in row["name"]}
        others |= {label: [name] * len(methods) for name, label in peers.items()}
    for label, names in others.items():
        cells = [
            interval(DifferenceInterval(**found[pair])) for pair in zip(methods, names, strict=True)
        ]
        assert f"| {label} | {' | '.join(cells)} |" in lines, label
    lead = held["lead"]["difference"]["difference"]
    assert f"by {lead:.2f} points" in " ".join(lines)


@pytest.mark.parametrize(("round_to", "name"), [(8, "wrn_16_2"), (16, "wrn_16_2-round_16")])
def test_the_table_of_latency_budgets_is_as_measured(round_to: int, name: str) -> None:
    held = json.loads((RESULTS / f"latency_budget-{name}.json").read_text(encoding="utf-8"))
    assert held["settings"]["round_to"] == round_to
    lines = README.splitlines()
    for row in held["rows"]:
        search, uniform = (row["arms"][arm] for arm in ("search", "uniform"))
        cells = (
            str(round_to),
            ", ".join(f"{run['asked_ms']:g}" for run in search["runs"]),
            ", ".join(f"{run['used']:.3f}" for run in search["runs"]),
            ", ".join(f"{both['ratio']:.2f}" for both in row["beside"]),
            f"{search['top1']['mean']:.2f} / {uniform['top1']['mean']:.2f}",
            interval(DifferenceInterval(**row["search_minus_uniform"])),
        )
        assert f"| {' | '.join(cells)} |" in lines, cells


def test_what_is_said_of_both_tables_of_latency_budgets_is_as_measured() -> None:
    names = ("wrn_16_2", "wrn_16_2-round_16")
    pages = [
        (RESULTS / f"latency_budget-{name}.json").read_text(encoding="utf-8") for name in names
    ]
    held = [json.loads(page)["rows"] for page in pages]
    runs = [[run for row in rows for run in row["arms"]["search"]["runs"]] for rows in held]
    seconds = [run["search"]["seconds"] for of_one in runs for run in of_one]
    ratios = [both["ratio"] for rows in held for row in rows for both in row["beside"]]
    text = " ".join(README.split())
    assert f"The search took {min(seconds):.0f} to {max(seconds):.0f} s of a run" in text
    faster, slower = 1 - min(ratios), max(ratios) - 1
    assert f"Networks were {faster:.0%} faster to {slower:.0%} slower".replace("%", " %") in text
    assert [sum(abs(run["used"] - 1) <= 0.05 for run in of_one) for of_one in runs] == [9, 8]
    assert "All nine of the first came within 5 %, and eight of the second" in text


def test_the_latency_budgets_of_a_narrower_network_are_as_measured() -> None:
    held = json.loads((RESULTS / "latency_budget-wrn_16_1.json").read_text(encoding="utf-8"))
    told = [DifferenceInterval(**row["search_minus_uniform"]) for row in held["rows"]]
    first, second, third = map(interval, told)
    text = " ".join(README.split())
    assert f"{first}, {second} and {third} points with `round_to` 8" in text
    ratios = [both["ratio"] for row in held["rows"] for both in row["beside"]]
    faster, slower = 1 - min(ratios), max(ratios) - 1
    assert f"in networks {faster:.0%} faster to {slower:.0%} slower".replace("%", " %") in text
    budgets = " ".join(f"{budget:g}" for budget in held["settings"]["budgets"])
    assert f"`latency_budget.py --network wrn_16_1 --budgets {budgets}`" in text
    runs = [run for row in held["rows"] for run in row["arms"]["search"]["runs"]]
    assert all(abs(run["used"] - 1) <= 0.05 for run in runs)


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
