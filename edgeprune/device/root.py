"""Where the system's files hang: `/`, or a folder that stands in for a board."""

from __future__ import annotations

import os
from pathlib import Path

VARIABLE = "EDGEPRUNE_ROOT"


def system_root() -> Path:
    """`/`, or the folder that `EDGEPRUNE_ROOT` names.

    Everything that looks into `/sys`, `/proc` or `/etc` starts here, so that recorded trees of
    boards can be examined on any machine.
    """
    return Path(os.environ.get(VARIABLE) or "/")
