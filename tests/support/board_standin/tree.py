"""A board's system files under a folder, and what a test can do to them while something reads."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from board_standin.boards import KINDS, BoardKind
from board_standin.lines import compose
from board_standin.rails import DRIVERS, refuse_reading, replace, set_power, write_rails

_PROGRAMS = Path(__file__).with_name("programs")
_IDLE_C = {"cpu-thermal": 48500, "gpu-thermal": 47500, "soc0-thermal": 47900, "tj-thermal": 49000}


@dataclass(frozen=True)
class BoardTree:
    """A folder that looks like a board from inside.

    Attributes:
        root: what `EDGEPRUNE_ROOT` is set to.
        kind: the board.
        sources: file of each rail that makes its power.
    """

    root: Path
    kind: BoardKind
    sources: dict[str, Path]

    @property
    def programs(self) -> Path:
        """First on the board's PATH: tegrastats, nvpmodel, jetson_clocks, sudo, dpkg-query."""
        return self.root / "bin"

    @property
    def home(self) -> Path:
        """Of the board's user."""
        return self.root / "home"

    def set_power(self, **power_mw: float) -> None:
        """Let rails show these powers, in sysfs and in tegrastats."""
        rails = {rail.name: rail for rail in self.kind.rails}
        for name, value in power_mw.items():
            if self.sources[name].parent.exists():
                set_power(self.sources[name], rails.get(name), value)
            replace(self.root / "standin/power" / name, round(value))

    def set_load(self, factor: float) -> None:
        """Let every rail show this multiple of its idle power."""
        powers = {rail.name: rail.power_mw * factor for rail in self.kind.rails}
        if self.kind.system_input_mw is not None:
            powers["VIN"] = self.kind.system_input_mw * factor
        self.set_power(**powers)

    def set_tegrastats(self, mode: str) -> None:
        """`play`; `stall` to write nothing more; `die` to end with code 1; `absent`."""
        if mode == "absent":
            (self.programs / "tegrastats").unlink(missing_ok=True)
        replace(self.root / "standin/tegrastats", mode)

    def set_sudo(self, *, allowed: bool) -> None:
        """Whether `sudo -n` runs programs or asks for a password."""
        replace(self.root / "standin/sudo", "allowed" if allowed else "refused")

    def set_temperature(self, celsius: float) -> None:
        """Of every zone."""
        for path in self.root.glob("sys/class/thermal/thermal_zone*/temp"):
            replace(path, round(celsius * 1000))

    def set_throttled(self, *, events: int) -> None:
        """Count over-current events, and let the throttling cooling device stand in its state."""
        for path in self.root.glob("sys/class/hwmon/hwmon*/oc*_event_cnt"):
            replace(path, events)
        for path in self.root.glob("sys/class/thermal/cooling_device*/cur_state"):
            replace(path, 1 if events else 0)

    def set_clocks(self, *, gpu_hz: int | None = None, cpu_khz: int | None = None) -> None:
        """Clocks as they are now."""
        if gpu_hz is not None:
            replace(self.gpu_clock / "cur_freq", gpu_hz)
        if cpu_khz is not None:
            for path in self.root.glob("sys/devices/system/cpu/cpu*/cpufreq/scaling_cur_freq"):
                replace(path, cpu_khz)

    @property
    def gpu_clock(self) -> Path:
        """Folder of the GPU's clock."""
        return self.root / "sys/class/devfreq" / self.kind.gpu

    def remove_rails(self) -> None:
        """Leave no power monitor, and tegrastats without powers."""
        shutil.rmtree(self.root / DRIVERS, ignore_errors=True)
        for path in (self.root / "sys/class/hwmon").glob("*"):
            if path.is_symlink():
                path.unlink()
        replace(self.root / "standin/line", compose(self.kind, with_powers=False))

    def restore_rails(self) -> None:
        """All power monitors as they were at first."""
        self.remove_rails()
        self.sources.update(write_rails(self.root, self.kind))
        replace(self.root / "standin/line", compose(self.kind))
        self.set_load(1)

    def refuse_rails(self, names: Sequence[str] | None = None) -> None:
        """Let readings of these rails, or of all, fail with EIO."""
        for name in self.sources if names is None else names:
            refuse_reading(self.sources[name])


def board_tree(folder: Path, board: str = "orin-nano") -> BoardTree:
    """Write a board's files into a folder.

    Args:
        folder: that is empty or not there yet.
        board: one of `KINDS`.
    """
    kind = KINDS[board]
    replace(folder / "etc/nv_tegra_release", kind.release)
    base = folder / "sys/firmware/devicetree/base"
    base.mkdir(parents=True)
    (base / "model").write_bytes(kind.model.encode() + b"\0")
    (base / "compatible").write_bytes("".join(f"{n}\0" for n in kind.compatible).encode())
    _write_clocks(folder, kind)
    _write_thermal(folder)
    _write_memory(folder)
    (folder / "sys/class/powercap").mkdir()
    tree = BoardTree(folder, kind, write_rails(folder, kind))
    _write_programs(tree)
    tree.set_load(1)
    return tree


def _write_clocks(root: Path, kind: BoardKind) -> None:
    lowest, highest = kind.cpu_khz
    for core in range(kind.cores):
        folder = root / f"sys/devices/system/cpu/cpu{core}/cpufreq"
        values = {
            "scaling_cur_freq": lowest,
            "scaling_min_freq": lowest,
            "scaling_max_freq": highest,
            "cpuinfo_min_freq": lowest,
            "cpuinfo_max_freq": highest,
            "scaling_governor": "schedutil",
        }
        for name, value in values.items():
            replace(folder / name, value)
    lowest, highest = kind.gpu_hz
    gpu = root / "sys/class/devfreq" / kind.gpu
    values = {
        "cur_freq": lowest,
        "min_freq": lowest,
        "max_freq": highest,
        "available_frequencies": f"{lowest} {highest}",
        "governor": "nvhost_podgov",
    }
    for name, value in values.items():
        replace(gpu / name, value)


def _write_thermal(root: Path) -> None:
    thermal = root / "sys/class/thermal"
    for index, (name, temperature) in enumerate(_IDLE_C.items()):
        replace(thermal / f"thermal_zone{index}/type", name)
        replace(thermal / f"thermal_zone{index}/temp", temperature)
    replace(thermal / "cooling_device0/type", "cpu-throttle-alert")
    replace(thermal / "cooling_device0/cur_state", 0)
    hwmon = root / "sys/class/hwmon"
    replace(hwmon / "hwmon1/name", "soctherm_oc")
    for number in (1, 2, 3):
        replace(hwmon / f"hwmon1/oc{number}_event_cnt", 0)
    replace(hwmon / "hwmon2/name", "pwmfan")
    replace(hwmon / "hwmon2/pwm1", 58)


def _write_memory(root: Path) -> None:
    text = "MemTotal:        7802880 kB\nMemFree:         5120000 kB\nMemAvailable:    6144000 kB"
    replace(root / "proc/meminfo", text)
    replace(root / "proc/loadavg", "0.10 0.12 0.09 1/350 4242")


def _write_programs(tree: BoardTree) -> None:
    tree.programs.mkdir()
    tree.home.mkdir()
    for path in _PROGRAMS.iterdir():
        if path.is_file() and path.suffix in (".py", ".sh"):
            _install(tree.programs / path.stem, path)
    _write(tree.programs / "python3", f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    kind = tree.kind
    listed = "\n".join(f"{name}\t{version}" for name, version in kind.packages.items())
    replace(tree.root / "standin/packages", listed)
    number, name = kind.power_mode
    replace(tree.root / "standin/power_mode", f"NV Power Mode: {name}\n{number}")
    replace(tree.root / "standin/line", compose(kind))
    tree.set_tegrastats("play")
    tree.set_sudo(allowed=True)


def _install(path: Path, source: Path) -> None:
    first = f"#!{sys.executable}" if source.suffix == ".py" else "#!/bin/sh"
    _write(path, f"{first}\n{source.read_text(encoding='utf-8')}")


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)
