"""Which board this is, as its device tree says."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

_TREE = "sys/firmware/devicetree/base"


class BoardModel(NamedTuple):
    """A board's names; empty where there is no device tree, as on a PC.

    Attributes:
        model: for people, such as `NVIDIA Jetson Orin Nano Developer Kit`.
        compatible: for drivers, the most exact first, such as `nvidia,p3767-0005`.
    """

    model: str
    compatible: tuple[str, ...]

    @property
    def is_jetson(self) -> bool:
        """Whether an NVIDIA Tegra is on it."""
        return any(name.startswith("nvidia,tegra") for name in self.compatible) or (
            "jetson" in self.model.lower()
        )


def board_model(root: Path) -> BoardModel:
    """The board's names.

    Args:
        root: where `sys` hangs.
    """
    model = _strings(root / _TREE / "model")
    return BoardModel(model[0] if model else "", _strings(root / _TREE / "compatible"))


def _strings(path: Path) -> tuple[str, ...]:
    try:
        text = path.read_bytes().decode("utf-8", "replace")
    except OSError:
        return ()
    return tuple(filter(None, (part.strip() for part in text.split("\0"))))
