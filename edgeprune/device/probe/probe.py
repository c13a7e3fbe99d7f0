"""One look at a board."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edgeprune.device.bench.conditions import Conditions, look
from edgeprune.device.power.choose import Answer, survey
from edgeprune.device.probe.board_model import board_model
from edgeprune.device.probe.software import Software, read_software
from edgeprune.device.probe.space import Space, read_space
from edgeprune.device.probe.tegra import L4t, read_chip, read_l4t


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
        sensors: of power, and what they show.
    """

    board: str | None
    chip: str | None
    l4t: L4t | None
    software: Software
    space: Space
    conditions: Conditions
    sensors: tuple[Answer, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


def probe(root: Path, folder: Path) -> Probe:
    """Look at this machine.

    Args:
        root: see `system_root`.
        folder: where bundles lie, or will.
    """
    return Probe(
        board=board_model(root).model or None,
        chip=read_chip(root),
        l4t=read_l4t(root),
        software=read_software(root),
        space=read_space(root, folder),
        conditions=look(root),
        sensors=survey(root),
    )
