"""RAPL's counters: what is added up, wraparound, and when they say nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from power_trees import RAPL_RANGE_UJ, rapl_zone

from edgeprune.device.power import PowerResult, SensorError, measure
from edgeprune.device.power.rapl import RaplSensor

SLOWLY_MS = 60_000.0  # the readings are those at the edges


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two packages, a core domain (part of package 0) and psys (contains both)."""
    rapl_zone(tmp_path, "intel-rapl:0", "package-0", 1_000_000)
    rapl_zone(tmp_path, "intel-rapl:0:0", "core", 500_000)
    rapl_zone(tmp_path, "intel-rapl:1", "package-1", 7_000_000)
    rapl_zone(tmp_path, "intel-rapl:2", "psys", 9_000_000)
    return tmp_path


def _set(root: Path, zone: str, energy_uj: int) -> None:
    rapl_zone(root, zone, (root / f"sys/class/powercap/{zone}/name").read_text(), energy_uj)


def test_energy_is_the_sum_of_the_packages(root: Path) -> None:
    with measure("rapl", SLOWLY_MS, root=root) as window:
        _set(root, "intel-rapl:0", 3_500_000)
        _set(root, "intel-rapl:1", 8_000_000)
        _set(root, "intel-rapl:2", 99_000_000)
    found = window.result
    assert found.energy_j == pytest.approx(3.5)
    assert (found.reason, found.scope, found.samples) == ("", "cpu_packages", 2)
    assert found.mean_w == pytest.approx(3.5 / found.duration_s)
    assert found.peak_w == pytest.approx(found.mean_w)
    assert found.rails_mw is not None
    assert set(found.rails_mw) == {"package-0", "package-1"}
    assert found.rails_mw["package-0"] == pytest.approx(2500 / found.duration_s)


def test_what_only_counts_has_no_power_at_its_first_reading(root: Path) -> None:
    with measure("rapl", SLOWLY_MS, root=root) as window:
        assert window.rows() == []
        _set(root, "intel-rapl:0", 2_000_000)
    (row,) = window.rows()
    assert row.total_mw == pytest.approx(1000 / window.result.duration_s, rel=0.01)
    assert row.rails_mw["package-1"] == 0.0


def test_every_wraparound_between_readings_is_counted(root: Path) -> None:
    with RaplSensor(1.0, root) as sensor:
        for _ in range(3):
            _set(root, "intel-rapl:0", RAPL_RANGE_UJ - 1_000_000)
            sensor.read()
            _set(root, "intel-rapl:0", 1_000_000)
            last = sensor.read()
    assert last.counters_j["package-0"] == pytest.approx(3 * (RAPL_RANGE_UJ + 1) / 1e6, rel=1e-12)


def test_it_is_read_well_before_a_wrap(tmp_path: Path) -> None:
    rapl_zone(tmp_path, "intel-rapl:0", "package-0", 0, range_uj=8_000_000_000)
    with RaplSensor(60.0, tmp_path) as sensor:
        assert sensor.interval_s == pytest.approx(2.0)


def _not_required(root: Path) -> PowerResult:
    with measure("rapl", SLOWLY_MS, root=root, required=False) as window:
        pass
    return window.result


def test_a_counter_that_stops_answering_voids_the_window(root: Path) -> None:
    with measure("rapl", SLOWLY_MS, root=root) as window:
        (root / "sys/class/powercap/intel-rapl:1/energy_uj").unlink()
    assert window.result.is_void
    assert (window.result.energy_j, window.result.total_mw) == (None, None)
    assert "intel-rapl:1/energy_uj did not answer" in window.result.reason


def test_a_pause_that_may_hide_a_wrap_voids_the_window(root: Path) -> None:
    now_s = [0.0]
    with RaplSensor(1.0, root, clock=lambda: now_s[0]) as sensor:
        now_s[0] = RAPL_RANGE_UJ / 1e6 / 1000.0 + 1.0
        with pytest.raises(SensorError, match="unread for 263 s"):
            sensor.read()


def test_absence_and_nonsense_are_reasons_where_no_sensor_is_required(root: Path) -> None:
    absent = _not_required(root / "nowhere")
    assert absent.energy_j is None
    assert absent.sensor == ""
    assert "no RAPL counters" in absent.reason
    (root / "sys/class/powercap/intel-rapl:0/energy_uj").write_text("<unknown>\n")
    assert "not a number" in _not_required(root).reason


def test_unreadable_counters_name_the_remedy(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Path.read_text

    def guarded(self: Path, encoding: str | None = None) -> str:
        if self.name == "energy_uj":  # tests may run as root, whom the file mode does not stop
            raise PermissionError(13, "Permission denied")
        return real(self, encoding)

    monkeypatch.setattr(Path, "read_text", guarded)
    assert "run as root" in _not_required(root).reason


def test_an_unused_window_has_no_energy(root: Path) -> None:
    found = measure("rapl", root=root).result
    assert found.energy_j is None
    assert "never started" in found.reason
