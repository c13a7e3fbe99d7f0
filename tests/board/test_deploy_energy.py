"""`edgeprune deploy --energy` to a board whose sensors fail: never a figure that is none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from board_deploy import at, check_nothing_half_written, deploy, result, results
from board_standin import BoardServer
from board_standin.rails import stall_reading
from command_line import Ended, complaint

Hear = Callable[[str], None]
_TIMES = ("--repeats", "3", "--seconds", "0.02", "--warmup", "0.1")
_BRIEF = (*_TIMES, "--energy", "--energy-seconds", "0.2", "--energy-repeats", "2", "--idle", "0.2")
_TRIES = 5  # a busy machine loses readings, and then the run is rightly void


def measured(
    server: BoardServer, run: Path, *more: str, hear: Callable[[], Hear] | None = None
) -> Ended:
    """A deploy whose energy holds; `hear` makes what hears its steps, for each try."""
    for _ in range(_TRIES):
        ended = deploy(server, run, *_BRIEF, *more, hear=hear() if hear else None)
        if ended.code == 0:
            break
        assert "the energy run is void: " in complaint(ended, 1)
    assert ended.code == 0, ended.err
    check_nothing_half_written(server, run)
    return ended


def mean_w(run: Path) -> float:
    """Of the student, as fast as it goes."""
    power: float = result(run)["bench"]["energy"]["student"]["fastest"]["mean_w"]
    return power


def test_no_rails(server: BoardServer, run: Path) -> None:
    server.tree.remove_rails()
    line = complaint(deploy(server, run, *_BRIEF), 5)
    assert "no power sensor answers here; tried ina: " in line
    assert "; tegrastats: " in line
    assert results(run) == []
    server.tree.restore_rails()
    measured(server, run)
    assert mean_w(run) == pytest.approx(4.77, rel=0.01)


@pytest.mark.parametrize("server", ["agx-orin"], indirect=True)
def test_open_inputs_and_rails_that_fail_meanwhile(server: BoardServer, run: Path) -> None:
    tree = server.tree
    faults = {
        "Input/output error": lambda: tree.refuse_rails(["VDD_CPU_CV"]),
        "ina did not answer for 3 s": lambda: stall_reading(tree.sources["VDD_CPU_CV"]),
    }
    for why, fault in faults.items():
        line = complaint(deploy(server, run, *_BRIEF, hear=at("energy: student", fault)), 1)
        assert "the energy run is void: " in line
        assert why in line
        assert result(run)["bench"]["energy"] is None
        assert result(run)["bench"]["models"][0]["p50_ms"] > 0
        check_nothing_half_written(server, run)
        tree.restore_rails()
    measured(server, run)
    rails = {rail.name: rail.power_mw / 1000 for rail in tree.kind.rails}
    assert result(run)["bench"]["energy_run"]["scope"] == "module_sum"
    assert mean_w(run) == pytest.approx(sum(rails.values()) - rails["VDDQ_VDD2_1V8AO"], rel=0.01)


def test_the_board_throttles_and_changes_its_clock(server: BoardServer, run: Path) -> None:
    tree = server.tree
    lowest, highest = tree.kind.gpu_hz

    def before() -> None:
        tree.set_throttled(events=0)
        tree.set_clocks(gpu_hz=lowest)

    def meanwhile() -> None:
        tree.set_throttled(events=3)
        tree.set_clocks(gpu_hz=highest)

    def hear() -> Hear:
        before()
        return at("energy: student", meanwhile)

    said = " ".join(measured(server, run, hear=hear).out.split())
    assert "the board throttled (cpu-throttle-alert)" in said
    assert "the board throttled itself 9 times because a rail drew too much" in said
    assert "the GPU's clock was 306 MHz idle and 624 MHz under load" in said
    assert "--lock-clocks" in said
    before()
    said = " ".join(measured(server, run, "--lock-clocks").out.split())
    assert "throttled" not in said
    assert "the GPU's clock was" not in said
    assert int((tree.gpu_clock / "cur_freq").read_text()) == lowest
