"""Power monitors as both kinds of kernels show them."""

from __future__ import annotations

from pathlib import Path

import pytest
from board_standin.rails import DRIVERS, refuse_reading
from power_trees import board, hwmon_monitor, iio_monitor, known_board, put
from power_trees import ina238 as ina238_monitor

from edgeprune.device.power import SensorError, measure
from edgeprune.device.power.ina import InaSensor

JETPACK_4 = {"POM_5V_IN": 1022, "POM_5V_GPU": 40, "POM_5V_CPU": 204}
JETPACK_6 = {"VDD_IN": (4952, 960), "VDD_CPU_GPU_CV": (4952, 104), "VDD_SOC": (4944, 288)}


def test_jetpack_4_gives_milliwatts(tmp_path: Path) -> None:
    iio_monitor(known_board(tmp_path, "jetson-nano"), "6-0040", JETPACK_4)
    with InaSensor(0.1, tmp_path) as sensor:
        assert sensor.read().rails_mw == JETPACK_4
        assert (sensor.total.rails, sensor.total.scope) == (("POM_5V_IN",), "module")


def test_later_kernels_give_volts_times_amperes(tmp_path: Path) -> None:
    hwmon_monitor(known_board(tmp_path, "jetson-orin-nano"), "1-0040", JETPACK_6)
    with InaSensor(0.1, tmp_path) as sensor:
        found = sensor.read().rails_mw
    assert sensor.rails == ("VDD_IN", "VDD_CPU_GPU_CV", "VDD_SOC")  # no shunt voltages
    assert found["VDD_IN"] == pytest.approx(4952 * 960 / 1000)
    assert found["VDD_SOC"] == pytest.approx(4944 * 288 / 1000)


def test_channels_without_a_connection_are_no_rails(tmp_path: Path) -> None:
    """On an AGX Orin the second monitor has one rail; the others answer with EIO."""
    known_board(tmp_path, "jetson-agx-orin")
    hwmon_monitor(tmp_path, "1-0040", {
        "VDD_GPU_SOC": (20000, 100), "VDD_CPU_CV": (20000, 50), "VIN_SYS_5V0": (5000, 800),
    })  # fmt: skip
    hwmon_monitor(
        tmp_path, "1-0041", {"NC": None, "VDDQ_VDD2_1V8AO": (5000, 100), "NC ": None}, hwmon=4
    )
    with InaSensor(0.1, tmp_path) as sensor:
        found = sensor.read().rails_mw
    assert found == {
        "VDD_GPU_SOC": 2000, "VDD_CPU_CV": 1000, "VIN_SYS_5V0": 4000, "VDDQ_VDD2_1V8AO": 500,
    }  # fmt: skip
    assert "VDDQ_VDD2_1V8AO" not in sensor.total.rails  # it is fed by VIN_SYS_5V0
    assert sensor.notes == ()


def test_thors_input_is_in_microwatts(tmp_path: Path) -> None:
    known_board(tmp_path, "jetson-thor")
    hwmon_monitor(tmp_path, "2-0040", {
        "VDD_GPU": (20000, 100), "VDD_CPU_SOC_MSS": (20000, 300), "VIN_SYS_5V0": (5000, 1000),
    })  # fmt: skip
    ina238_monitor(tmp_path, "2-0044", 19_780_000)
    with InaSensor(0.1, tmp_path) as sensor:
        assert sensor.read().rails_mw["VIN"] == 19780
        assert (sensor.total.rails, sensor.total.scope) == (("VIN",), "system_input")


def test_monitors_of_the_same_name_are_told_apart(tmp_path: Path) -> None:
    ina238_monitor(tmp_path, "2-0044", 1_000_000)
    ina238_monitor(tmp_path, "2-0045", 2_000_000)
    ina238_monitor(tmp_path, "2-0046", 3_000_000, label="VDD_X")
    ina238_monitor(tmp_path, "2-0047", 4_000_000, label="VDD_X")
    with InaSensor(0.1, tmp_path) as sensor:
        assert sensor.read().rails_mw == {
            "INA238 2-0044": 1000, "INA238 2-0045": 2000, "VDD_X": 3000, "VDD_X (2-0047)": 4000,
        }  # fmt: skip


def test_an_unknown_board_has_rails_and_no_total(tmp_path: Path) -> None:
    hwmon_monitor(board(tmp_path, "Some Board", "nvidia,tegra999"), "1-0040", JETPACK_6)
    with measure("ina", 1000, root=tmp_path) as window:
        pass
    found = window.result
    assert found.rails_mw is not None
    assert found.rails_mw["VDD_IN"] == pytest.approx(4952 * 0.960)
    assert (found.total_mw, found.energy_j, found.mean_w, found.scope) == (None, None, None, None)
    assert "Some Board is not in the table of boards" in found.reason
    assert not found.is_void


def test_a_rail_that_does_not_answer_takes_the_total_with_it(tmp_path: Path) -> None:
    known_board(tmp_path, "jetson-agx-xavier")
    hwmon_monitor(tmp_path, "1-0040", {"GPU": (5000, 10), "CPU": None, "SOC": (5000, 20)})
    with InaSensor(0.1, tmp_path) as sensor:
        assert sensor.rails == ("GPU", "SOC")
        assert sensor.total.rails == ()
        assert "needs CPU, CV, VDDRQ, SYS5V" in sensor.total.reason
        assert "rail CPU" in sensor.notes[0]
        assert "Input/output error" in sensor.notes[0]


def test_a_rail_that_stops_answering_voids_the_window(tmp_path: Path) -> None:
    folder = hwmon_monitor(known_board(tmp_path, "jetson-orin-nano"), "1-0040", JETPACK_6)
    with measure("ina", 1000, root=tmp_path) as window:
        (folder / "curr1_input").unlink()
        refuse_reading(folder / "curr1_input")
    assert window.result.is_void
    assert window.result.energy_j is None
    assert "curr1_input did not answer (Input/output error)" in window.result.reason


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(SensorError, match="no INA3221 or INA238 monitor"):
        InaSensor(0.1, tmp_path).open()
    put(tmp_path, f"{DRIVERS}/ina3221/bind", "")
    hwmon_monitor(tmp_path, "1-0040", {"VDD_IN": None})
    with pytest.raises(SensorError, match="none can be read: rail VDD_IN"):
        InaSensor(0.1, tmp_path).open()
