"""Folders that look like the system files of boards and PCs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from board_standin.rails import DRIVERS, refuse_reading

RAPL_RANGE_UJ = 262_143_328_850

# What the device tree of each board says: model, compatible.
DEVICE_TREES = {
    "jetson-nano-2gb": ("NVIDIA Jetson Nano 2GB Developer Kit",
                        "nvidia,p3542-0000+p3448-0003", "nvidia,tegra210"),
    "jetson-nano": ("NVIDIA Jetson Nano Developer Kit", "nvidia,p3449-0000-b00+p3448-0000-b00",
                    "nvidia,jetson-nano", "nvidia,tegra210"),
    "jetson-tx1": ("jetson_tx1", "nvidia,p2371-2180", "nvidia,jetson-cv", "nvidia,tegra210"),
    "jetson-tx2": ("quill", "nvidia,p2597-0000+p3310-1000", "nvidia,quill", "nvidia,tegra186"),
    "jetson-xavier-nx": ("NVIDIA Jetson Xavier NX Developer Kit",
                         "nvidia,p3509-0000+p3668-0000", "nvidia,tegra194"),
    "jetson-agx-xavier": ("Jetson-AGX", "nvidia,p2822-0000+p2888-0001", "nvidia,tegra194"),
    "jetson-orin-nano": ("NVIDIA Jetson Orin Nano Developer Kit",
                         "nvidia,p3768-0000+p3767-0005", "nvidia,p3767-0005", "nvidia,tegra234"),
    "jetson-agx-orin": ("NVIDIA Jetson AGX Orin Developer Kit",
                        "nvidia,p3737-0000+p3701-0005", "nvidia,p3701-0005", "nvidia,tegra234"),
    "jetson-thor": ("NVIDIA Jetson AGX Thor Developer Kit",
                    "nvidia,p4071-0000+p3834-0008", "nvidia,tegra264"),
}  # fmt: skip


def put(root: Path, name: str, text: str) -> Path:
    """A file under the root."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def board(root: Path, model: str, *compatible: str) -> Path:
    """The device tree's names."""
    tree = "sys/firmware/devicetree/base"
    put(root, f"{tree}/model", model + "\0")
    put(root, f"{tree}/compatible", "".join(f"{name}\0" for name in compatible))
    return root


def known_board(root: Path, name: str) -> Path:
    """The device tree of a board of the table."""
    return board(root, *DEVICE_TREES[name])


def iio_monitor(root: Path, address: str, rails_mw: Mapping[str, int | None]) -> Path:
    """An INA3221 of JetPack 4; None for a channel that answers with EIO."""
    folder = f"{DRIVERS}/ina3221x/{address}/iio:device0"
    for number, (rail, power_mw) in enumerate(rails_mw.items()):
        put(root, f"{folder}/rail_name_{number}", f"{rail}\n")
        _value(root, f"{folder}/in_power{number}_input", power_mw)
    return root / folder


def hwmon_monitor(
    root: Path, address: str, channels: Mapping[str, tuple[int, int] | None], hwmon: int = 3
) -> Path:
    """An INA3221 of JetPack 5 and later: (millivolts, milliamperes) by rail; None for EIO.

    Like the kernel it is reached through a link, and shows the voltages over its shunts as `in4` to
    `in7`.
    """
    driver = root / DRIVERS / "ina3221"
    driver.mkdir(parents=True, exist_ok=True)
    device = f"sys/devices/platform/bus@0/i2c/{address}"
    folder = f"{device}/hwmon/hwmon{hwmon}"
    for number, (rail, values) in enumerate(channels.items(), 1):
        put(root, f"{folder}/in{number}_label", f"{rail}\n")
        millivolts, milliamperes = values or (None, None)
        _value(root, f"{folder}/in{number}_input", millivolts)
        _value(root, f"{folder}/curr{number}_input", milliamperes)
        put(root, f"{folder}/in{number + 3}_label", f"shunt {rail}\n")
        put(root, f"{folder}/in{number + 3}_input", "7\n")
    put(root, f"{folder}/in7_label", "sum of shunt voltages\n")
    (driver / address).symlink_to(root / device)
    return root / folder


def ina238(root: Path, address: str, microwatts: int, label: str | None = None) -> Path:
    """An INA238."""
    folder = f"{DRIVERS}/ina238/{address}/hwmon/hwmon5"
    put(root, f"{folder}/power1_input", f"{microwatts}\n")
    if label is not None:
        put(root, f"{folder}/in1_label", f"{label}\n")
    return root / folder


def rapl_zone(
    root: Path, zone: str, name: str, energy_uj: int, range_uj: int = RAPL_RANGE_UJ
) -> Path:
    """A RAPL domain."""
    folder = f"sys/class/powercap/{zone}"
    put(root, f"{folder}/name", f"{name}\n")
    put(root, f"{folder}/energy_uj", f"{energy_uj}\n")
    put(root, f"{folder}/max_energy_range_uj", f"{range_uj}\n")
    return root / folder


def _value(root: Path, name: str, value: int | None) -> None:
    if value is not None:
        put(root, name, f"{value}\n")
        return
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    refuse_reading(path)
