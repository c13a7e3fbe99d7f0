"""The CPU's meter: ratios of real networks, and energy from the counters that are there."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from edgeprune.deploy.cpu_meter import CpuMeter
from edgeprune.device.bench.protocol import Protocol
from edgeprune.device.errors import DeviceUnsupportedError
from edgeprune.device.power.measure import Window, measure
from edgeprune.device.power.rapl import PackageCounter
from edgeprune.device.power.sensor import SensorError
from edgeprune.export.onnx import export_onnx

_SHORT = Protocol(repeats=3, seconds=0.02, slice_s=0.01, settle_s=0.0, warmup_s=0.1)


@pytest.fixture(scope="module")
def graphs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A convolution, and one of sixteen times the work."""
    folder = tmp_path_factory.mktemp("graphs")
    found = {}
    for name, width in (("dense", 64), ("pruned", 16)):
        found[name] = folder / f"{name}.onnx"
        network = nn.Sequential(nn.Conv2d(3, width, 1), nn.Conv2d(width, width, 3))
        export_onnx(network.eval(), torch.zeros(2, 3, 32, 32), found[name])
    return found


def test_a_narrower_network_takes_a_smaller_share(graphs: dict[str, Path]) -> None:
    meter = CpuMeter(threads=1, protocol=_SHORT)
    found = meter.measure(graphs)
    assert {len(figures.latency_ms) for figures in found.values()} == {3}
    ratio = np.array(found["pruned"].latency_ms) / np.array(found["dense"].latency_ms)
    assert np.median(ratio) < 0.8
    assert found["dense"].energy_mj is None
    assert meter.identity["threads"] == 1
    assert "ONNX Runtime" in meter.identity["runtime"]


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A RAPL counter that gains 2 mJ every millisecond."""
    folder = tmp_path / "sys/class/powercap/intel-rapl:0"
    folder.mkdir(parents=True)
    (folder / "name").write_text("package-0\n")
    (folder / "max_energy_range_uj").write_text("262143328850\n")
    (folder / "energy_uj").write_text("0\n")
    monkeypatch.setenv("EDGEPRUNE_ROOT", str(tmp_path))
    ending = threading.Event()

    def count() -> None:
        counted = 0
        while not ending.wait(0.001):
            counted += 2000
            beside = folder / "energy_uj.new"
            beside.write_text(f"{counted}\n")
            beside.replace(folder / "energy_uj")

    thread = threading.Thread(target=count)
    thread.start()
    yield folder
    ending.set()
    thread.join()


@pytest.mark.usefixtures("package")
def test_energy_is_what_the_counter_gained_per_inference(
    graphs: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgeprune.deploy.cpu_meter._WINDOW_S", 0.1)
    meter = CpuMeter(threads=1, protocol=_SHORT, energy=True)
    assert meter.no_energy is None
    found = meter.measure(graphs)
    assert all(len(figures.energy_mj or ()) == 3 for figures in found.values())
    assert np.median(found["dense"].energy_mj) > np.median(found["pruned"].energy_mj) > 0


class _Windows:
    """Windows of which the first are kept from their readings, as on a machine with other work."""

    busy = 0  # of them
    begun = 0

    def window(self, interval_ms: float, processor: str) -> Window:
        self.begun += 1
        never_ms = 1e-3  # no file is read as often
        is_busy = self.begun <= self.busy
        return measure(interval_ms=never_ms if is_busy else interval_ms, processor=processor)


@pytest.fixture
def windows(package: Path, monkeypatch: pytest.MonkeyPatch) -> _Windows:  # noqa: ARG001
    """Those that the meter measures in."""
    found = _Windows()
    monkeypatch.setattr("edgeprune.deploy.cpu_meter.power_window", found.window)
    monkeypatch.setattr("edgeprune.deploy.cpu_meter._WINDOW_S", 0.1)
    return found


def _energy_mj(graphs: dict[str, Path]) -> tuple[float, ...] | None:
    meter = CpuMeter(threads=1, protocol=_SHORT, energy=True)
    return meter.measure({"dense": graphs["dense"]})["dense"].energy_mj


def test_a_window_without_its_readings_is_measured_again(
    graphs: dict[str, Path], windows: _Windows
) -> None:
    windows.busy = 2
    assert len(_energy_mj(graphs) or ()) == 3
    assert windows.begun >= 2 + 3


def test_a_machine_that_stays_busy_is_told(graphs: dict[str, Path], windows: _Windows) -> None:
    windows.busy = 1000
    with pytest.raises(DeviceUnsupportedError, match="no energy was measured: ") as failure:
        _energy_mj(graphs)
    assert "\n" not in str(failure.value)
    assert windows.begun == 5


def test_a_counter_that_fails_is_not_asked_again(
    graphs: dict[str, Path], windows: _Windows, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: PackageCounter) -> float:
        raise SensorError("the counter is gone")

    monkeypatch.setattr(PackageCounter, "advance", fail)
    with pytest.raises(DeviceUnsupportedError, match="the counter is gone"):
        _energy_mj(graphs)
    assert windows.begun == 1


def test_where_no_counter_is_the_reason_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGEPRUNE_ROOT", str(tmp_path))
    assert "RAPL" in str(CpuMeter(threads=1).no_energy)
