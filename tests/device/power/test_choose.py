"""Which sensor is taken where, and what is said where none answers."""

from __future__ import annotations

from pathlib import Path

import pytest
from board_standin import board_tree
from board_standin.rails import stall_reading
from power_trees import hwmon_monitor, known_board, put, rapl_zone
from standin_nvml import StandInNvml
from standin_tegrastats import orin_line, replay

from edgeprune.device.errors import DeviceUnsupportedError
from edgeprune.device.power import SENSORS, UnknownSensorError, measure, open_sensor, survey
from edgeprune.device.power import choose as choosing
from edgeprune.device.power.choose import order
from edgeprune.device.power.nvml import NvmlSensor
from edgeprune.device.power.sensor import SensorError

ORIN = {"VDD_IN": (5000, 1000), "VDD_CPU_GPU_CV": (5000, 100), "VDD_SOC": (5000, 200)}


@pytest.fixture
def no_nvml(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine without NVIDIA's driver."""
    _with_nvml(monkeypatch, _absent)


def _absent(name: str) -> object:
    raise OSError(name)


def _with_nvml(monkeypatch: pytest.MonkeyPatch, load: object) -> None:
    monkeypatch.setattr(choosing, "NvmlSensor", lambda interval_s: NvmlSensor(interval_s, load))


def _taken(root: Path, processor: str | None = None) -> str:
    with open_sensor(root=root, processor=processor) as sensor:
        return sensor.name


def test_a_board_is_read_by_ina_then_tegrastats_then_nvml(
    tmp_path: Path, programs: Path, nvml: StandInNvml, monkeypatch: pytest.MonkeyPatch
) -> None:
    _with_nvml(monkeypatch, nvml.load)
    root = known_board(tmp_path / "root", "jetson-orin-nano")
    assert _taken(root) == "nvml"
    replay(programs, [orin_line(8000)])
    assert _taken(root) == "tegrastats"
    hwmon_monitor(root, "1-0040", ORIN)
    assert _taken(root) == "ina"
    assert _taken(root, "gpu") == "ina"


@pytest.mark.usefixtures("programs")
def test_a_pc_is_read_by_nvml_then_rapl(
    tmp_path: Path, nvml: StandInNvml, monkeypatch: pytest.MonkeyPatch
) -> None:
    _with_nvml(monkeypatch, nvml.load)
    rapl_zone(tmp_path, "intel-rapl:0", "package-0", 1)
    assert _taken(tmp_path) == "nvml"
    assert _taken(tmp_path, "cpu") == "rapl"
    _with_nvml(monkeypatch, _absent)
    assert _taken(tmp_path) == "rapl"


def test_a_release_file_makes_a_board_too(tmp_path: Path) -> None:
    assert order(tmp_path) == ("nvml", "rapl")
    put(tmp_path, "etc/nv_tegra_release", "# R36 (release), REVISION: 4.3\n")
    assert order(tmp_path, "cpu") == ("ina", "tegrastats", "nvml")


@pytest.mark.usefixtures("no_nvml", "programs")
def test_no_sensor_ends_with_5_and_says_what_was_tried(tmp_path: Path) -> None:
    root = known_board(tmp_path / "root", "jetson-nano-2gb")
    with pytest.raises(DeviceUnsupportedError) as failed, measure(root=root):
        pass
    assert failed.value.exit_code == 5
    for part in ("ina: no INA3221", "tegrastats: tegrastats is not on", "nvml: libnvidia-ml"):
        assert part in str(failed.value)
    with pytest.raises(DeviceUnsupportedError, match=r"tried nvml: .*; rapl: no RAPL counters"):
        open_sensor(root=tmp_path / "pc")
    with pytest.raises(DeviceUnsupportedError, match=r"tried rapl: no RAPL"):
        open_sensor("rapl", root=tmp_path / "pc")


def test_settings_out_of_range_are_the_users(tmp_path: Path) -> None:
    with pytest.raises(UnknownSensorError, match="use auto, ina, tegrastats, nvml, rapl"):
        open_sensor("wattmeter", root=tmp_path)
    with pytest.raises(UnknownSensorError, match="use more than 0"):
        open_sensor(interval_ms=0, root=tmp_path)
    assert UnknownSensorError.exit_code == 2


@pytest.mark.usefixtures("no_nvml", "programs")
def test_a_survey_asks_every_sensor(tmp_path: Path) -> None:
    root = known_board(tmp_path / "root", "jetson-orin-nano")
    hwmon_monitor(root, "1-0040", ORIN)
    found = {answer.sensor: answer for answer in survey(root)}
    assert tuple(found) == SENSORS
    assert found["ina"].rails == tuple(ORIN)
    assert (found["ina"].scope, found["ina"].reason) == ("module", "")
    assert [answer.sensor for answer in found.values() if answer.answers] == ["ina"]
    assert "absent" in found["rapl"].reason


def test_the_environment_names_the_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rapl_zone(tmp_path, "intel-rapl:0", "package-0", 1)
    monkeypatch.setenv("EDGEPRUNE_ROOT", str(tmp_path))
    with open_sensor(processor="cpu") as sensor:
        assert sensor.rails == ("package-0",)


@pytest.mark.usefixtures("no_nvml", "programs")
def test_a_sensor_that_hangs_is_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choosing, "_PATIENCE_S", 0.2)
    tree = board_tree(tmp_path / "board")
    stall_reading(tree.sources["VDD_IN"])
    told = {answer.sensor: answer.reason for answer in survey(tree.root)}
    assert told["ina"] == "ina did not answer for 0.2 s"
    with pytest.raises(SensorError, match=r"ina: ina did not answer for 0\.2 s; tegrastats: "):
        open_sensor(root=tree.root)
