"""`edgeprune compress --target-latency-ms` as a process, measured on this machine's CPU."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from edgeprune.pretrain import pretrain


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("teacher") / "teacher.pt"
    pretrain("wrn_10_1", "digits", path, epochs=1, batch_size=64, train_limit=192, device="cpu")
    return path


def _of_readme() -> list[str]:
    """The README's command, as words."""
    text = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```bash\n(.*?)```", text, flags=re.DOTALL)
    commands = [block.replace("\\\n", " ") for block in blocks]
    (command,) = [line for line in commands if "--target-latency-ms" in line]
    return shlex.split(command)


def _read(path: Path) -> dict[str, Any]:
    held: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return held


def test_the_command_of_the_readme_measures_on_this_cpu(teacher: Path, tmp_path: Path) -> None:
    """Beside a parameter budget that decides: no time on a machine with other work is certain."""
    program, *words = _of_readme()
    assert program == "edgeprune"
    theirs = {
        "teacher.pt": str(teacher), "imagefolder:photos/": "digits", "1.5": "1000",
        "8": "16", "runs/fast": str(tmp_path / "run"),
    }  # fmt: skip
    few = [
        "latency_repeats=3", "width_candidates=2", "layers=[block3.layer.0.conv2]",
        "warm_epochs=0", "beta=0", "train_limit=192", "batch_size=64", "prune_until=1.0",
    ]  # fmt: skip
    finished = subprocess.run(
        [
            sys.executable, "-m", "edgeprune", *(theirs.get(word, word) for word in words),
            "--epochs", "2", "--target-params", "0.7", "--json",
            *(word for setting in few for word in ("--set", setting)),
        ],
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=300,
    )  # fmt: skip
    assert finished.returncode == 0, finished.stderr
    assert re.search(r"1000: the network takes [\d.e-]+ ms as it is; the other", finished.stderr)
    assert "ms measured," in finished.stderr
    report = json.loads(finished.stdout)
    assert report == json.loads((tmp_path / "run" / "report.json").read_text(encoding="utf-8"))
    params, latency = report["targets"]
    assert (params["name"], latency["name"]) == ("target_params", "target_latency_ms")
    assert params["reached"] <= 0.7
    assert 0 < latency["reached"] < 1000
    assert latency["rounds"] == 1
    cost = report["measured_budget"]["student"]["target_latency_ms"]
    assert latency["reached"] == cost["cost"]
    assert report["measured_budget"]["threads"] == 1
    (table,) = [
        path
        for path in (tmp_path / "run" / "measured").glob("*.json")
        if path.name != "widths.json" and "conv2" in path.read_text()
    ]
    assert len(json.loads(table.read_text())["dense"]["latency_ms"]) == 3
