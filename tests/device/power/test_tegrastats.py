"""A tegrastats process: how it is called, ended and read, and the figures of the whole chain."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from power_trees import known_board
from standin_tegrastats import calls, orin_line, process_ids, replay, write_tegrastats

from edgeprune.device.power import PowerResult, SensorError, Window, measure
from edgeprune.device.power import tegrastats as reading
from edgeprune.device.power.tegrastats import TegrastatsSensor

EVERY_MS = 50


@pytest.fixture
def orin(tmp_path: Path) -> Path:
    return known_board(tmp_path / "root", "jetson-orin-nano")


def _measured(root: Path, seconds: float) -> tuple[Window, PowerResult]:
    """A window that holds; a busy machine may void some."""
    for _ in range(5):
        with measure("tegrastats", EVERY_MS, root=root) as window:
            time.sleep(seconds)
        if not window.result.is_void:
            break
    return window, window.result


def _is_alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_constant_load_through_the_whole_chain(orin: Path, programs: Path) -> None:
    program = replay(programs, [orin_line(8000)])
    _, found = _measured(orin, 1.0)
    assert found.mean_w == pytest.approx(8.0, rel=0.01)
    assert found.energy_j == pytest.approx(8.0 * found.duration_s, rel=0.01)
    assert (found.sensor, found.scope) == ("tegrastats", "module")
    assert found.rails_mw == pytest.approx(
        {"VDD_IN": 8000, "VDD_CPU_GPU_CV": 2000, "VDD_SOC": 1600}
    )
    assert found.duration_s >= 1.0
    assert set(calls(program)) == {f"--interval {EVERY_MS}"}
    assert not any(map(_is_alive, process_ids(program)))


def test_a_stepped_load_through_the_whole_chain(orin: Path, programs: Path) -> None:
    """5 W and 20 W in turns of 0.7 s, by the clock that stamps the readings too."""
    write_tegrastats(programs, "\n".join([
        "high = int(time.monotonic() / 0.7) % 2",
        f"return [{orin_line(5000)!r}, {orin_line(20000)!r}][high]",
    ]))  # fmt: skip
    window, found = _measured(orin, 2.6)
    start_s, end_s = window.start_s, window.start_s + found.duration_s
    steps = 20_000
    moments = [start_s + (n + 0.5) / steps * (end_s - start_s) for n in range(steps)]
    true_w = sum(20 if int(moment / 0.7) % 2 else 5 for moment in moments) / steps
    assert found.energy_j == pytest.approx(true_w * found.duration_s, rel=0.02)
    assert found.peak_w == 20.0


def test_lines_without_all_rails_are_passed_over(orin: Path, programs: Path) -> None:
    whole = orin_line(6000)
    replay(programs, ["RAM 1/2MB", whole, whole[: whole.index("VDD_SOC")], "", whole])
    with TegrastatsSensor(0.005, orin) as sensor:
        for _ in range(4):
            assert sensor.read().rails_mw["VDD_SOC"] == 1200


def test_no_rails_without_root_is_told(
    orin: Path, programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_STARTING_S", 0.3)
    program = replay(programs, ["RAM 1/2MB CPU [0%@729]"])
    with pytest.raises(SensorError, match="shows no power rails: run as root"):
        TegrastatsSensor(0.005, orin).open()
    assert not any(map(_is_alive, process_ids(program)))


def test_a_missing_program_is_told(orin: Path, programs: Path) -> None:
    with pytest.raises(SensorError, match="not on the PATH; it comes with JetPack"):
        TegrastatsSensor(0.1, orin).open()
    (programs / "tegrastats").write_bytes(b"\x7fELF broken")
    (programs / "tegrastats").chmod(0o755)
    with pytest.raises(SensorError, match="cannot be started"):
        TegrastatsSensor(0.1, orin).open()


def test_a_program_that_ends_at_once_is_told(orin: Path, programs: Path) -> None:
    program = write_tegrastats(programs, "sys.stderr.write('no such device\\n')", code=3)
    with pytest.raises(SensorError, match="tegrastats ended with 3: no such device"):
        TegrastatsSensor(0.1, orin).open()
    assert not any(map(_is_alive, process_ids(program)))


def test_a_program_that_ends_early_voids_the_window(orin: Path, programs: Path) -> None:
    write_tegrastats(programs, f"return {orin_line(8000)!r} if number < 3 else None")
    with measure("tegrastats", 20, root=orin) as window:
        while not window.error:
            time.sleep(0.01)
    assert window.result.is_void
    assert "tegrastats ended with 0" in window.result.reason


def test_a_program_that_falls_silent_voids_the_window(orin: Path, programs: Path) -> None:
    body = f"if number == 3:\n    time.sleep(60)\nreturn {orin_line(8000)!r}"
    program = write_tegrastats(programs, body)
    with measure("tegrastats", 20, root=orin) as window:
        while not window.error:
            time.sleep(0.01)
    assert window.result.is_void
    assert "said nothing for 1.0 s" in window.result.reason
    assert not any(map(_is_alive, process_ids(program)))


def test_it_is_ended_also_when_the_body_fails(orin: Path, programs: Path) -> None:
    program = replay(programs, [orin_line(8000)])
    with pytest.raises(ZeroDivisionError), measure("tegrastats", 20, root=orin):
        raise ZeroDivisionError
    assert not any(map(_is_alive, process_ids(program)))
    assert "--stop" not in " ".join(calls(program))
