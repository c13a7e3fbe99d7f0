"""Where what was compiled or built on a machine is kept."""

from __future__ import annotations

import os
from pathlib import Path

CACHE_VARIABLE = "EDGEPRUNE_CACHE_DIR"


def cache_folder() -> Path:
    """`EDGEPRUNE_CACHE_DIR`, or `edgeprune` in the user's cache folder."""
    named = os.environ.get(CACHE_VARIABLE)
    if named:
        return Path(named)
    users = os.environ.get("XDG_CACHE_HOME")
    return (Path(users) if users else Path.home() / ".cache") / "edgeprune"
