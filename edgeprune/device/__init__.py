"""Everything that may run on the board: runners, measurement, sensors, the agent.

Python 3.8 syntax, the standard library and numpy only; imports nothing else of edgeprune.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edgeprune.device.bundle.model import load

__all__ = ["load"]


def __getattr__(name: str) -> Any:
    """`load`, imported when it is first used: a board without numpy can still be probed."""
    if name != "load":
        raise AttributeError(f"module 'edgeprune.device' has no attribute {name!r}")
    from edgeprune.device.bundle.model import load

    return load
