"""Which chip a board has and which release of Linux for Tegra runs on it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from edgeprune.device.probe.board_model import board_model

# `# R36 (release), REVISION: 4.3, GCID: 38968081, BOARD: generic, EABI: aarch64, DATE: ...`
_RELEASE = re.compile(r"R(\d+)\s*\(release\),\s*REVISION:\s*(\d+)(?:\.(\d+))?")
_CHIP = re.compile(r"nvidia,(tegra\d+)")


@dataclass(frozen=True, order=True)
class L4t:
    """A release of Linux for Tegra, such as 36.4.3."""

    major: int
    minor: int
    patch: int = 0

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"


def read_l4t(root: Path) -> L4t | None:
    """The release that `/etc/nv_tegra_release` tells; None where there is none to read."""
    text = _text(root / "etc/nv_tegra_release")
    found = _RELEASE.search(text)
    if found is None:
        return None
    major, minor, patch = found.groups()
    return L4t(int(major), int(minor), int(patch or 0))


def read_chip(root: Path) -> str | None:
    """Such as `tegra234`; None on other machines."""
    for name in board_model(root).compatible:
        found = _CHIP.fullmatch(name)
        if found:
            return found.group(1)
    return None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
