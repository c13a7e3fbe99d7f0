"""`edgeprune power`: figures of a stand-in board, as a table, as JSON and as CSV."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from board_standin import BoardTree, board_tree
from command_line import complaint, edgeprune


@pytest.fixture
def orin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BoardTree:
    """This machine is an Orin Nano with 8 W at its input."""
    tree = board_tree(tmp_path / "board", "orin-nano")
    tree.set_power(VDD_IN=8000, VDD_CPU_GPU_CV=2000, VDD_SOC=1500)
    monkeypatch.setenv("EDGEPRUNE_ROOT", str(tree.root))
    monkeypatch.setenv("PATH", str(tree.programs))
    return tree


@pytest.mark.usefixtures("orin")
def test_figures_as_json_and_readings_as_csv(tmp_path: Path) -> None:
    log = tmp_path / "power.csv"
    ended = edgeprune("power", "--duration", "0.5", "--interval", "50", "--csv", log, "--json")
    assert ended.code == 0, ended.err
    found = json.loads(ended.out)
    assert found["rails_mw"] == pytest.approx(
        {"VDD_IN": 8000, "VDD_CPU_GPU_CV": 2000, "VDD_SOC": 1500}
    )
    assert (found["sensor"], found["scope"]) == ("ina", "module")
    assert found["total_mw"] == pytest.approx(8000)
    assert found["energy_j"] == pytest.approx(8 * found["duration_s"])
    assert found["samples"] >= 5
    rows = list(csv.DictReader(log.open(encoding="utf-8")))
    assert list(rows[0]) == ["t_s", "total_mw", "VDD_IN_mw", "VDD_CPU_GPU_CV_mw", "VDD_SOC_mw"]
    assert len(rows) >= 5
    assert float(rows[0]["t_s"]) == 0.0
    assert {row["total_mw"] for row in rows} == {"8000.0"}


@pytest.mark.usefixtures("orin")
def test_a_table_for_people_by_tegrastats() -> None:
    ended = edgeprune("power", "--duration", "0.5", "--sensor", "tegrastats")
    assert ended.code == 0, ended.err
    assert "total (module)" in ended.out
    assert "8.00 W, at most 8.00 W" in ended.out
    assert "tegrastats: " in ended.out


def test_a_board_that_nobody_knows_has_rails_and_no_total(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = board_tree(tmp_path / "board", "future")
    monkeypatch.setenv("EDGEPRUNE_ROOT", str(tree.root))
    ended = edgeprune("power", "--duration", "0.2")
    assert ended.code == 0, ended.err
    assert "VIN_NEXT" in ended.out
    assert "no total: NVIDIA Jetson AGX Next Developer Kit is not in the table" in " ".join(
        ended.out.split()
    )


@pytest.fixture
def _ctrl_c_is_heard() -> Iterator[None]:
    """What a shell starts in the background ignores Ctrl-C, and so does all that it starts."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def _run_until_readings(log: Path, *options: str) -> subprocess.Popen[str]:
    """`edgeprune power` in a session of its own, once it has written some readings."""
    program = subprocess.Popen(
        [sys.executable, "-m", "edgeprune", "power", "--json", "--csv", str(log), *options],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", start_new_session=True,
    )  # fmt: skip
    while not log.exists() or len(log.read_text(encoding="utf-8").splitlines()) < 4:
        assert program.poll() is None
        time.sleep(0.05)
    return program


def test_a_rail_that_stops_answering_voids_the_measurement(orin: BoardTree, tmp_path: Path) -> None:
    """It has null and never zero."""
    program = _run_until_readings(tmp_path / "power.csv")
    orin.refuse_rails(["VDD_SOC"])
    out, err = program.communicate(timeout=20)
    assert program.returncode == 1, err
    found = json.loads(out)
    assert (found["rails_mw"], found["energy_j"], found["total_mw"]) == (None, None, None)
    assert "did not answer" in found["reason"]
    assert err.startswith("edgeprune: the measurement is void: ")


@pytest.mark.usefixtures("orin", "_ctrl_c_is_heard")
@pytest.mark.parametrize(("options", "code"), [((), 0), (("--duration", "60"), 130)])
def test_ctrl_c_ends_it_with_the_figures_so_far(
    tmp_path: Path, options: tuple[str, ...], code: int
) -> None:
    """Ctrl-C in a terminal reaches tegrastats' group too: it must not end before us."""
    program = _run_until_readings(
        tmp_path / "power.csv", "--sensor", "tegrastats", "--interval", "200", *options
    )
    os.killpg(program.pid, signal.SIGINT)
    out, err = program.communicate(timeout=20)
    assert program.returncode == code, err
    found = json.loads(out)
    assert found["reason"] == ""
    assert found["total_mw"] == pytest.approx(8000)


def test_what_cannot_be_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEPRUNE_ROOT", str(tmp_path))
    line = complaint(edgeprune("power", "--sensor", "rapl"), 5)
    assert "no power sensor answers here; tried rapl: no RAPL counters" in line
    assert "there is no folder" in complaint(edgeprune("power", "--csv", "nowhere/x.csv"), 2)
    complaint(edgeprune("power", "--duration", "0"), 2)
    complaint(edgeprune("power", "--sensor", "wattmeter"), 2)
