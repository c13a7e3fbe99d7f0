"""Which target a board is: what models are to be exported for."""

from __future__ import annotations

import re
from typing import NamedTuple

from edgeprune.device.errors import DeviceUnsupportedError
from edgeprune.device.probe.probe import Probe
from edgeprune.device.probe.tegra import L4t
from edgeprune.device.tables import read_table
from edgeprune.device.targets import Target, find_target

_OLDER = {"tegra210": "Jetson Nano and TX1", "tegra186": "Jetson TX2"}


class Match(NamedTuple):
    """A board's target, and what is to be said about it.

    Attributes:
        target: the one to export for.
        notes: such as a release that is newer than any known.
    """

    target: Target
    notes: tuple[str, ...]


def match(found: Probe) -> Match:
    """The target that a board is.

    A release between two known ones is taken for the older; one beyond all for the newest, with a
    note: it is tried, not refused.

    Raises:
        DeviceUnsupportedError: it is no Jetson, or one that edgeprune does not deploy to.
    """
    if found.l4t is None:
        raise DeviceUnsupportedError(
            "this is no Jetson (no /etc/nv_tegra_release): use --target cpu to measure in ONNX "
            "Runtime"
        )
    rows = read_table("targets.json")
    names = [n for n, row in rows["targets"].items() if row.get("chip") == found.chip]
    if found.chip is None or not names:
        raise DeviceUnsupportedError(_unknown_chip(found))
    releases = {
        name: _release(rows["systems"][name]["l4t"])
        for name in rows["targets"][names[0]]["systems"]
    }
    served = [name for name, release in releases.items() if release <= found.l4t]
    if not served:
        raise DeviceUnsupportedError(
            f"{found.board or 'this board'} runs L4T {found.l4t}: edgeprune needs JetPack 5 (L4T "
            "35.2) or newer; update the board"
        )
    target = find_target(names[0], max(served, key=lambda name: releases[name]))
    return Match(target, tuple(_notes(found, target, releases)))


def _unknown_chip(found: Probe) -> str:
    name = found.board or "this board"
    if found.chip in _OLDER:
        return (
            f"{name}: {_OLDER[found.chip]} run JetPack 4, whose TensorRT 8.2 takes no plugin of "
            "edgeprune; boards from Xavier on are supported"
        )
    return f"{name}: its chip ({found.chip or 'not told'}) is none that edgeprune knows"


def _notes(found: Probe, target: Target, releases: dict[str, L4t]) -> list[str]:
    assert found.l4t is not None
    notes = []
    if found.l4t.major > max(releases.values()).major:
        notes.append(
            f"L4T {found.l4t} is newer than any that edgeprune knows; treated as JetPack "
            f"{target.system}"
        )
    installed = found.software.tensorrt
    if installed is not None and _two(installed) < _two(target.tensorrt or "0.0"):
        notes.append(
            f"TensorRT {installed} is older than JetPack {target.system}'s {target.tensorrt}; the "
            "engine may not build: apt-get install --reinstall nvidia-jetpack on the board"
        )
    return notes


def _release(text: str) -> L4t:
    return L4t(*(int(part) for part in text.split(".")))


def _two(version: str) -> list[int]:
    """Major and minor version."""
    return [int(part) for part in re.findall(r"\d+", version)[:2]]
