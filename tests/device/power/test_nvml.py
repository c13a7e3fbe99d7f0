"""NVML: what is asked, what is believed, and what a library that starts does not prove."""

from __future__ import annotations

import time

import pytest
from standin_nvml import StandInNvml

from edgeprune.device.power import PowerResult, SensorError, Window, measure
from edgeprune.device.power.nvml import NvmlSensor
from edgeprune.device.power.nvml_visible import visible_gpus


def _measure(nvml: StandInNvml, interval_s: float = 0.1) -> Window:
    return measure(NvmlSensor(interval_s, nvml.load))


def _of_50_watts(nvml: StandInNvml) -> PowerResult:
    for _ in range(5):  # a busy machine may void a window
        with _measure(nvml) as window:
            time.sleep(0.25)
        if not window.result.is_void:
            break
    return window.result


def test_the_counter_is_the_energy(nvml: StandInNvml) -> None:
    found = _of_50_watts(nvml)
    assert found.energy_j == pytest.approx(50 * found.duration_s, rel=0.01)
    assert (found.peak_w, found.scope) == (50.0, "gpu_board")
    assert found.notes == ("GPU0: NVIDIA Stand-in",)


def test_a_counter_that_says_something_else_than_the_power_is_told(nvml: StandInNvml) -> None:
    nvml.count(60.0)
    found = _of_50_watts(nvml)
    assert found.energy_j == pytest.approx(60 * found.duration_s, rel=0.01)
    assert "its power integrated" in found.notes[-1]


def test_without_a_counter_power_is_integrated(nvml: StandInNvml) -> None:
    nvml.has(energy=False)
    found = _of_50_watts(nvml)
    assert found.energy_j == pytest.approx(50 * found.duration_s, rel=1e-6)


def test_the_mean_of_a_second_is_called_that(nvml: StandInNvml) -> None:
    nvml.has(instant=False)
    with NvmlSensor(0.1, nvml.load) as sensor:
        assert sensor.read().rails_mw == {"GPU0": 50_000}
        assert "the mean of a second" in sensor.notes[-1]


def test_a_counter_alone_will_do(nvml: StandInNvml) -> None:
    nvml.has(instant=False, usage=False)
    found = _of_50_watts(nvml)
    assert found.energy_j == pytest.approx(50 * found.duration_s, rel=0.01)
    assert found.peak_w == pytest.approx(50, rel=0.2)


def test_on_an_orin_it_starts_and_knows_nothing(nvml: StandInNvml) -> None:
    nvml.has(instant=False, usage=False, energy=False)
    with pytest.raises(SensorError, match=r"knows no power here: .*'Not Supported'"):
        NvmlSensor(0.1, nvml.load).open()


def test_several_gpus_are_a_rail_each(nvml: StandInNvml) -> None:
    nvml.gpus(2)
    with NvmlSensor(0.1, nvml.load) as sensor:
        assert sensor.rails == ("GPU0", "GPU1")
        assert (sensor.total.rails, sensor.total.scope) == (sensor.rails, "gpu_boards")


def test_gpus_that_cuda_does_not_see_are_not_counted(
    nvml: StandInNvml, monkeypatch: pytest.MonkeyPatch
) -> None:
    nvml.gpus(4)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2")
    with NvmlSensor(0.1, nvml.load) as sensor:
        assert (sensor.rails, sensor.total.scope) == (("GPU2",), "gpu_board")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with pytest.raises(SensorError, match="hides every GPU"):
        NvmlSensor(0.1, nvml.load).open()


@pytest.mark.parametrize(
    ("asked", "numbers"),
    [(None, [0, 1, 2]), ("1", [1]), ("2,0", [0, 2]), ("0,7,1", [0]), ("-1", []), ("0,0", [0]),
     ("GPU-bb", [1]), ("GPU-b", []), ("GPU-a,GPU-bc", [0, 2]), ("MIG-x", [])],
)  # fmt: skip
def test_visible_gpus_are_read_as_cuda_does(asked: str | None, numbers: list[int]) -> None:
    assert visible_gpus(["GPU-a1", "GPU-bb2", "GPU-bc3"], asked) == numbers


def test_what_is_not_there_is_named(nvml: StandInNvml) -> None:
    nvml.gpus(0)
    with pytest.raises(SensorError, match="NVML knows no GPU"):
        NvmlSensor(0.1, nvml.load).open()

    def absent(name: str) -> object:
        raise OSError(name)

    with pytest.raises(SensorError, match=r"libnvidia-ml.so.1 is absent"):
        NvmlSensor(0.1, absent).open()
    with pytest.raises(SensorError, match="driver has no nvmlInit_v2"):
        NvmlSensor(0.1, lambda _: object()).open()


def test_a_gpu_that_is_lost_voids_the_window(nvml: StandInNvml) -> None:
    with _measure(nvml) as window:
        nvml.lose()
    assert window.result.is_void
    assert "GPU is lost" in window.result.reason
