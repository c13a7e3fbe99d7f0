"""The JSON beside an engine, which says what it was built from.

It stays outside the plan, which trtexec would refuse otherwise.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from edgeprune.device.atomic import replace_file

_NAMES = ("plan_sha256", "plan_bytes", "layers", "build_seconds", "warnings")


def sidecar_of(path: Path) -> Path:
    """Where the JSON of a plan lies."""
    return path.with_name(path.name + ".json")


def read_sidecar(sidecar: Path) -> dict[str, Any] | None:
    """A sidecar that is whole; None otherwise."""
    try:
        held = json.loads(sidecar.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(held, dict) or not isinstance(held.get("key"), dict):
        return None
    return held if all(name in held for name in _NAMES) else None


def write_sidecar(sidecar: Path, about: dict[str, Any]) -> None:
    """Write it in one step."""
    replace_file(sidecar, (json.dumps(about, indent=1) + "\n").encode())
