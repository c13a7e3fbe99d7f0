"""One look at a board."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Mapping

from edgeprune.device.bench.conditions import Conditions, look
from edgeprune.device.probe.software import Software, read_software
from edgeprune.device.probe.space import Space, read_space
from edgeprune.device.probe.tegra import L4t, read_chip, read_l4t
from edgeprune.device.tensorrt.key import gpu_name


@dataclass(frozen=True)
class Probe:
    """What a board is and how it stands.

    Attributes:
        board: its name, as the device tree tells it; None on other machines.
        chip: such as `tegra234`.
        l4t: release of Linux for Tegra.
        software: what is installed.
        space: what is free.
        conditions: clocks, power mode, temperatures.
    """

    board: str | None
    chip: str | None
    l4t: L4t | None
    software: Software
    space: Space
    conditions: Conditions

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        found = asdict(self)
        found["l4t"] = None if self.l4t is None else str(self.l4t)
        return found


def probe(root: Path, folder: Path) -> Probe:
    """Look at this machine.

    Args:
        root: see `system_root`.
        folder: where bundles lie, or will.
    """
    return Probe(
        board=gpu_name(root / "sys/firmware/devicetree/base/model", root / "none"),
        chip=read_chip(root),
        l4t=read_l4t(root),
        software=read_software(root),
        space=read_space(root, folder),
        conditions=look(root),
    )


def probe_from(values: Mapping[str, Any]) -> Probe:
    """The probe that `as_dict` wrote, perhaps on another machine."""
    told = values["l4t"]
    numbers = [] if told is None else [int(part) for part in told.split(".")]
    known = Conditions.__dataclass_fields__
    conditions = {name: value for name, value in values["conditions"].items() if name in known}
    return Probe(
        board=values["board"],
        chip=values["chip"],
        l4t=L4t(*numbers) if numbers else None,
        software=Software(**values["software"]),
        space=Space(**values["space"]),
        conditions=Conditions(**conditions),
    )
