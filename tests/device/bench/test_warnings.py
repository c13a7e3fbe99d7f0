"""What a machine tells of itself, and what that says of a measurement."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from board_standin import board_tree

from edgeprune.device.bench.conditions import Conditions, look
from edgeprune.device.bench.steady import WarmUp
from edgeprune.device.bench.warnings import warnings_of

CALM = Conditions("A CPU", 4, "performance", (2000, 2000), 0.1, 50.0, 7, 100)
WARM = WarmUp(3.0, True)
EVEN = {"a": (1.0, 1.0, 1.0, 1.0), "b": (2.0, 2.02, 2.0, 2.01)}


def _put(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_a_machine_is_read_from_its_files(tmp_path: Path) -> None:
    system = "sys/devices/system/cpu"
    _put(tmp_path, "proc/cpuinfo", "processor : 0\nmodel name : Some CPU @ 2 GHz\n")
    _put(tmp_path, "proc/loadavg", "1.25 0.5 0.1 1/100 1\n")
    for core, kilohertz, count in ((0, 1_500_000, 2), (1, 2_100_000, 3)):
        _put(tmp_path, f"{system}/cpu{core}/cpufreq/scaling_cur_freq", f"{kilohertz}\n")
        _put(tmp_path, f"{system}/cpu{core}/thermal_throttle/core_throttle_count", f"{count}\n")
    _put(tmp_path, f"{system}/cpu0/cpufreq/scaling_governor", "schedutil\n")
    _put(tmp_path, "sys/class/thermal/thermal_zone0/temp", "41000\n")
    _put(tmp_path, "sys/class/thermal/thermal_zone1/temp", "47500\n")
    found = look(tmp_path)
    assert (found.cpu, found.governor, found.mhz) == ("Some CPU @ 2 GHz", "schedutil", (1500, 2100))
    assert (found.load_average, found.hottest_c, found.throttled) == (1.25, 47.5, 5)


def test_the_power_supplys_chip_is_no_thermometer(tmp_path: Path) -> None:
    """It shows 100 °C on Xaviers and Nanos, however cool they are."""
    for number, (kind, temperature) in enumerate((("GPU-therm", 43000), ("PMIC-Die", 100000))):
        _put(tmp_path, f"sys/class/thermal/thermal_zone{number}/type", f"{kind}\n")
        _put(tmp_path, f"sys/class/thermal/thermal_zone{number}/temp", f"{temperature}\n")
    assert look(tmp_path).hottest_c == 43.0


def test_what_a_machine_does_not_tell_is_none(tmp_path: Path) -> None:
    _put(tmp_path, "sys/class/thermal/thermal_zone0/temp", "no number")
    found = look(tmp_path)
    assert found.cpu
    assert (found.governor, found.mhz, found.load_average) == (None, None, None)
    assert (found.hottest_c, found.throttled) == (None, None)


def test_a_board_is_read_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = board_tree(tmp_path / "board", "agx-orin")
    monkeypatch.setenv("EDGEPRUNE_ROOT", str(tree.root))
    monkeypatch.setenv("PATH", str(tree.programs), prepend=":")
    found = look()
    assert found.board == "NVIDIA Jetson AGX Orin Developer Kit"
    assert str(found.l4t).startswith("# R36 (release), REVISION: 4.3")
    assert (found.power_mode, found.gpu_mhz, found.fan_pwm) == ("MAXN", 306, 58)
    assert (found.gpu_governor, found.over_current, found.alerts) == ("nvhost_podgov", 0, ())
    tree.set_throttled(events=2)
    tree.set_clocks(gpu_hz=918_000_000)
    later = look(brief=True)
    assert (later.power_mode, later.gpu_mhz) == (None, 918)
    assert (later.over_current, later.alerts) == (6, ("cpu-throttle-alert",))


@pytest.mark.parametrize("board", ["nano", "tx2", "xavier-nx", "orin-nx", "thor"])
def test_the_gpus_clock_is_found_on_every_board(tmp_path: Path, board: str) -> None:
    tree = board_tree(tmp_path, board)
    assert look(tmp_path, brief=True).gpu_mhz == tree.kind.gpu_hz[0] // 1_000_000


@pytest.mark.parametrize(
    ("before", "during", "after", "said"),
    [
        ({}, [{"alerts": ("cpu-throttle-alert",)}], {}, "throttled (cpu-throttle-alert)"),
        ({"over_current": 3}, [], {"over_current": 5}, "itself 2 times because a rail drew too"),
        ({}, [{"gpu_mhz": 918}, {"gpu_mhz": 918}, {"gpu_mhz": 624}, {"gpu_mhz": 918}], {},
         "clock went from 918 to 624 MHz under load"),
        ({"power_mode": "15W"}, [], {"power_mode": "MAXN"}, "power mode went from 15W to MAXN"),
    ],
)  # fmt: skip
def test_what_slows_a_board_down_is_told(
    before: dict[str, object], during: list[dict[str, object]], after: dict[str, object], said: str
) -> None:
    looks = [replace(CALM, **fields) for fields in during]  # type: ignore[arg-type]
    first, last = replace(CALM, **before), replace(CALM, **after)  # type: ignore[arg-type]
    found = warnings_of(first, last, WARM, EVEN, 10.0, looks)
    assert len(found) == 1
    assert said in found[0]


def test_nothing_speaks_against_a_calm_machine() -> None:
    assert warnings_of(CALM, replace(CALM, preempted=110), WARM, EVEN, 10.0) == []


@pytest.mark.parametrize(
    ("before", "after", "warm", "medians", "said"),
    [
        ({}, {}, WarmUp(10.0, False), EVEN, "did not stand still after 10 s"),
        ({"load_average": 3.2}, {}, WARM, EVEN, "a load of 3.2"),
        ({}, {"preempted": 1100}, WARM, EVEN, "took the core 100 times a second"),
        ({}, {"throttled": 9}, WARM, EVEN, "throttled 2 times"),
        ({}, {"mhz": (1000, 1500)}, WARM, EVEN, "from 2000 to 1500 MHz"),
        ({}, {}, WARM, {"a": (1.0, 1.1, 1.0, 1.1)}, "a: the medians of the repeats scatter by 10%"),
        ({}, {}, WARM, {"a": (1.0, 1.0, 1.04, 1.04)}, "a: the second half of the repeats is 4% s"),
    ],
)
def test_each_reason_is_told_alone(
    before: dict[str, object],
    after: dict[str, object],
    warm: WarmUp,
    medians: dict[str, tuple[float, ...]],
    said: str,
) -> None:
    found = warnings_of(
        replace(CALM, **before), replace(CALM, **{**before, **after}), warm, medians, 10.0
    )  # type: ignore[arg-type]
    assert len(found) == 1
    assert said in found[0]
