"""The boards that can be stood in for: release, rails and clocks, as their documents give them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

NC = "NC"  # an input that the board leaves open; its readings fail with EIO


@dataclass(frozen=True)
class Rail:
    """One input of a power monitor.

    Attributes:
        name: as the board labels it, or `NC`.
        voltage_mv: that it is at.
        power_mw: that it shows while the board idles.
    """

    name: str
    voltage_mv: int = 5000
    power_mw: int = 0


@dataclass(frozen=True)
class BoardKind:
    """What a board says about itself.

    Attributes:
        model: text of the device tree.
        compatible: what the device tree calls it for drivers, the most exact first.
        release: first line of `/etc/nv_tegra_release`.
        monitors: rails by I2C address, at most three each.
        old_layout: JetPack 4, whose driver is `ina3221x` with iio devices.
        unit: that tegrastats writes behind a power.
        maximum: tegrastats gives a third value, as from JetPack 7.2 on.
        dated: tegrastats begins lines with the date.
        system_input_mw: of an INA238, where there is one.
        cores: of the CPU.
        cpu_khz: its lowest and highest clock.
        gpu: folder of its clock in `devfreq`.
        gpu_hz: its lowest and highest clock.
        power_mode: number and name, as `nvpmodel -q` gives them.
        packages: Debian packages and versions.
    """

    model: str
    compatible: tuple[str, ...]
    release: str
    monitors: Mapping[str, tuple[Rail, ...]]
    old_layout: bool = False
    unit: str = "mW"
    maximum: bool = False
    dated: bool = True
    system_input_mw: int | None = None
    cores: int = 6
    cpu_khz: tuple[int, int] = (729600, 1510400)
    gpu: str = "17000000.gpu"
    gpu_hz: tuple[int, int] = (306000000, 624750000)
    power_mode: tuple[int, str] = (0, "15W")
    packages: Mapping[str, str] = field(default_factory=dict)

    @property
    def rails(self) -> tuple[Rail, ...]:
        """All that are connected, in the order of the monitors."""
        return tuple(r for monitor in self.monitors.values() for r in monitor if r.name != NC)


def _release(major: int, revision: str) -> str:
    return (
        f"# R{major} (release), REVISION: {revision}, GCID: 40000000, BOARD: generic, "
        "EABI: aarch64, DATE: Wed Jan  8 01:49:37 UTC 2025"
    )


def _compatible(*names: str) -> tuple[str, ...]:
    return tuple(f"nvidia,{name}" for name in names)


_ORIN_SMALL = {
    "1-0040": (
        Rail("VDD_IN", 5000, 4770),
        Rail("VDD_CPU_GPU_CV", 5000, 510),
        Rail("VDD_SOC", 5000, 1430),
    )
}
_THOR = {
    "2-0040": (
        Rail("VDD_GPU", 12000, 1960),
        Rail("VDD_CPU_SOC_MSS", 12000, 5880),
        Rail("VIN_SYS_5V0", 5000, 5640),
    )
}
_PACKAGES_6 = {
    "nvidia-l4t-core": "36.4.3-20250107174145",
    "nvidia-jetpack": "6.2+b77",
    "libnvinfer10": "10.3.0.30-1+cuda12.5",
    "cuda-cudart-12-6": "12.6.68-1",
}

KINDS: dict[str, BoardKind] = {
    "nano": BoardKind(
        "NVIDIA Jetson Nano Developer Kit",
        _compatible("p3450-0000", "jetson-nano", "tegra210"),
        _release(32, "7.4"),
        {
            "6-0040": (
                Rail("POM_5V_IN", 5000, 1020),
                Rail("POM_5V_GPU", 5000, 40),
                Rail("POM_5V_CPU", 5000, 205),
            )
        },
        old_layout=True,
        unit="",
        dated=False,
        cores=4,
        cpu_khz=(102000, 1479000),
        gpu="57000000.gpu",
        gpu_hz=(76800000, 921600000),
        power_mode=(0, "MAXN"),
        packages={"nvidia-l4t-core": "32.7.4-20230608212426", "libnvinfer8": "8.2.1-1+cuda10.2"},
    ),
    "tx2": BoardKind(
        "quill",
        _compatible("p2597-0000+p3310-1000", "quill", "tegra186"),
        _release(32, "7.4"),
        {
            "0-0040": (
                Rail("VDD_SYS_GPU", 19000, 150),
                Rail("VDD_SYS_SOC", 19000, 690),
                Rail("VDD_4V0_WIFI", 4800, 0),
            ),
            "0-0041": (
                Rail("VDD_IN", 19000, 3060),
                Rail("VDD_SYS_CPU", 19000, 150),
                Rail("VDD_SYS_DDR", 4800, 880),
            ),
        },
        old_layout=True,
        unit="",
        dated=False,
        cpu_khz=(345600, 2035200),
        gpu="17000000.gp10b",
        gpu_hz=(114750000, 1300500000),
        power_mode=(3, "MAXP_CORE_ARM"),
    ),
    "xavier-nx": BoardKind(
        "NVIDIA Jetson Xavier NX Developer Kit",
        _compatible("p3509-0000+p3668-0000", "p3668-0000", "tegra194"),
        _release(35, "6.1"),
        {
            "7-0040": (
                Rail("VDD_IN", 5000, 4070),
                Rail("VDD_CPU_GPU_CV", 5000, 740),
                Rail("VDD_SOC", 5000, 1350),
            )
        },
        dated=False,
        cpu_khz=(1190400, 1907200),
        gpu="17000000.gv11b",
        gpu_hz=(114750000, 1109250000),
        power_mode=(8, "MODE_20W_6CORE"),
        packages={"nvidia-l4t-core": "35.6.1-20250411000000", "libnvinfer8": "8.5.2-1+cuda11.4"},
    ),
    "agx-xavier": BoardKind(
        "Jetson-AGX",
        _compatible("p2972-0000", "tegra194"),
        _release(35, "6.1"),
        {
            "1-0040": (
                Rail("GPU", 19000, 470),
                Rail("CPU", 19000, 460),
                Rail("SOC", 19000, 1240),
            ),
            "1-0041": (
                Rail("CV", 19000, 0),
                Rail("VDDRQ", 19000, 310),
                Rail("SYS5V", 5000, 2770),
            ),
        },
        dated=False,
        cores=8,
        cpu_khz=(1190400, 2265600),
        gpu="17000000.gv11b",
        gpu_hz=(114750000, 1377000000),
        power_mode=(0, "MAXN"),
        packages={"nvidia-l4t-core": "35.6.1-20250411000000", "libnvinfer8": "8.5.2-1+cuda11.4"},
    ),
    "orin-nano": BoardKind(
        "NVIDIA Jetson Orin Nano Developer Kit",
        _compatible("p3768-0000+p3767-0005", "p3767-0005", "tegra234"),
        _release(36, "4.3"),
        _ORIN_SMALL,
        packages=_PACKAGES_6,
    ),
    "orin-nx": BoardKind(
        "NVIDIA Jetson Orin NX Engineering Reference Developer Kit",
        _compatible("p3768-0000+p3767-0000", "p3767-0000", "tegra234"),
        _release(35, "4.1"),
        _ORIN_SMALL,
        dated=False,
        cores=8,
        cpu_khz=(115200, 1984000),
        gpu="17000000.ga10b",
        gpu_hz=(306000000, 918000000),
        power_mode=(3, "MODE_25W"),
        packages={"nvidia-l4t-core": "35.4.1-20230801124926", "libnvinfer8": "8.5.2-1+cuda11.4"},
    ),
    "agx-orin": BoardKind(
        "NVIDIA Jetson AGX Orin Developer Kit",
        _compatible("p3737-0000+p3701-0005", "p3701-0005", "tegra234"),
        _release(36, "4.3"),
        {
            "1-0040": (
                Rail("VDD_GPU_SOC", 19000, 3200),
                Rail("VDD_CPU_CV", 19000, 1200),
                Rail("VIN_SYS_5V0", 5000, 4760),
            ),
            "1-0041": (Rail(NC), Rail("VDDQ_VDD2_1V8AO", 5000, 900), Rail(NC)),
        },
        cores=12,
        cpu_khz=(729600, 2201600),
        gpu_hz=(306000000, 1300500000),
        power_mode=(0, "MAXN"),
        packages=_PACKAGES_6,
    ),
    "thor": BoardKind(
        "NVIDIA Jetson AGX Thor Developer Kit",
        _compatible("p3971-0089+p3834-0008", "p3834-0008", "tegra264"),
        _release(39, "2.0"),
        _THOR,
        maximum=True,
        system_input_mw=19780,
        cores=14,
        cpu_khz=(972000, 2601000),
        gpu="gpu-gpc-0",
        gpu_hz=(314000000, 1575000000),
        power_mode=(1, "120W"),
        packages={"nvidia-l4t-core": "39.2.0-20260601000000", "libnvinfer10": "10.16.0-1+cuda13.2"},
    ),
    "future": BoardKind(
        "NVIDIA Jetson AGX Next Developer Kit",
        _compatible("p9999-0000", "tegra999"),
        _release(57, "1.0-rc2"),
        {"3-0040": (Rail("VIN_NEXT", 20000, 6000), Rail("VDD_NEW", 12000, 1000), Rail(NC))},
        maximum=True,
        packages={"nvidia-l4t-core": "57.1.0-20290101000000", "libnvinfer12": "12.1.0-1+cuda15.0"},
    ),
}

# A known board with a release that nobody knows yet.
KINDS["orin-nano-later"] = replace(KINDS["orin-nano"], release=_release(57, "1.0"))
