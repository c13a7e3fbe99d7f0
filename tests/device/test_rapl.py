from __future__ import annotations

from pathlib import Path

import pytest

from edgeprune.device.errors import DeviceUnsupportedError
from edgeprune.device.rapl import EnergyWindow, find_packages

_RANGE_UJ = 262_143_328_850


def _zone(root: Path, zone: str, name: str, energy_uj: int, range_uj: int = _RANGE_UJ) -> Path:
    folder = root / zone
    folder.mkdir(parents=True)
    (folder / "name").write_text(f"{name}\n")
    (folder / "energy_uj").write_text(f"{energy_uj}\n")
    (folder / "max_energy_range_uj").write_text(f"{range_uj}\n")
    return folder


@pytest.fixture
def powercap(tmp_path: Path) -> Path:
    """Two packages, a core domain (part of package 0) and psys (contains both)."""
    _zone(tmp_path, "intel-rapl:0", "package-0", 1_000_000)
    _zone(tmp_path, "intel-rapl:0:0", "core", 500_000)
    _zone(tmp_path, "intel-rapl:1", "package-1", 7_000_000)
    _zone(tmp_path, "intel-rapl:2", "psys", 9_000_000)
    return tmp_path


def _set(powercap: Path, zone: str, energy_uj: int) -> None:
    (powercap / zone / "energy_uj").write_text(f"{energy_uj}\n")


def test_only_packages_count(powercap: Path) -> None:
    assert [folder.name for folder in find_packages(powercap)] == ["intel-rapl:0", "intel-rapl:1"]


def test_energy_is_the_sum_of_the_packages(powercap: Path) -> None:
    with EnergyWindow(powercap) as window:
        _set(powercap, "intel-rapl:0", 3_500_000)
        _set(powercap, "intel-rapl:1", 8_000_000)
        _set(powercap, "intel-rapl:2", 99_000_000)
    assert window.result.energy_j == pytest.approx(3.5)
    assert (window.result.reason, window.result.scope) == ("", "cpu_packages")


def test_every_wraparound_between_readings_is_counted(powercap: Path) -> None:
    with EnergyWindow(powercap) as window:
        for _ in range(3):
            _set(powercap, "intel-rapl:0", _RANGE_UJ - 1_000_000)
            window.read()
            _set(powercap, "intel-rapl:0", 1_000_000)
            window.read()
    assert window.result.energy_j == pytest.approx(3 * _RANGE_UJ / 1e6, rel=1e-9)


def test_a_counter_that_stops_answering_voids_the_window(powercap: Path) -> None:
    with EnergyWindow(powercap) as window:
        (powercap / "intel-rapl:1" / "energy_uj").unlink()
    assert window.result.energy_j is None
    assert "intel-rapl:1" in window.result.reason


def test_a_pause_that_may_hide_a_wrap_voids_the_window(powercap: Path) -> None:
    now_s = [0.0]
    with EnergyWindow(powercap, clock=lambda: now_s[0]) as window:
        now_s[0] = _RANGE_UJ / 1e6 / 1000.0 + 1.0
    assert window.result.energy_j is None
    assert "unread for 263 s" in window.result.reason


def test_absence_and_nonsense_are_reasons_not_failures(powercap: Path, tmp_path: Path) -> None:
    with EnergyWindow(tmp_path / "nowhere") as window:
        pass
    assert window.result.energy_j is None
    assert "no RAPL counters" in window.result.reason
    (powercap / "intel-rapl:0" / "energy_uj").write_text("<unknown>\n")
    with EnergyWindow(powercap) as window:
        pass
    assert "not a number" in window.result.reason


def test_unreadable_counters_name_the_remedy(
    powercap: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Path.read_text

    def guarded(self: Path, encoding: str | None = None) -> str:
        if self.name == "energy_uj":  # tests may run as root, whom the file mode does not stop
            raise PermissionError(13, "Permission denied")
        return real(self, encoding)

    monkeypatch.setattr(Path, "read_text", guarded)
    with EnergyWindow(powercap) as window:
        pass
    assert "run as root" in window.result.reason


def test_no_packages_says_where_it_looked(tmp_path: Path) -> None:
    with pytest.raises(DeviceUnsupportedError, match=str(tmp_path)):
        find_packages(tmp_path)


def test_an_unused_window_has_no_energy(powercap: Path) -> None:
    assert EnergyWindow(powercap).result.energy_j is None
