"""How much memory a build may plan with, on a machine that shares it between CPU and GPU."""

from __future__ import annotations

from pathlib import Path

_MEMINFO = Path("/proc/meminfo")
_BOARD = Path("/sys/firmware/devicetree/base/model")
_SHARE = 0.5  # of what is free; the rest is for weights, activations and the builder itself


def workspace_mib(meminfo: Path = _MEMINFO, board: Path = _BOARD) -> int | None:
    """Half of the free memory of a Jetson, in MiB; None elsewhere, where the GPU has its own."""
    if not board.exists():
        return None
    for line in meminfo.read_text(encoding="ascii").splitlines():
        if line.startswith("MemAvailable:"):
            return max(1, int(int(line.split()[1]) / 1024 * _SHARE))
    return None
