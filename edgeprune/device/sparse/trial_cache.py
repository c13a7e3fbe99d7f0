"""What trials on this device have found, kept for the next time.

A cache that is damaged is not used and then replaced; entries of other clocks or masks stay.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeprune.device.atomic import replace_file
from edgeprune.device.errors import DeviceError
from edgeprune.device.sparse.tactics import Tactic, TrialKey

_FORMAT = "edgeprune-sparse-trials-1"


@dataclass(frozen=True)
class Trial:
    """The fastest tactic of a layer.

    Attributes:
        tactic: its launch parameters.
        time_ms: what it took.
    """

    tactic: Tactic
    time_ms: float


class TrialCache:
    """A JSON file of trials.

    Args:
        path: of the file; it need not exist.

    Attributes:
        warning: why the file's content is not used; empty if it is, or if there is none.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.warning = ""
        self._entries()

    def find(self, key: TrialKey) -> Trial | None:
        """What was found for this key; None if nothing was."""
        return self._entries().get(key.digest())

    def keep(self, key: TrialKey, trial: Trial) -> None:
        """Add an entry to what the file holds now, which another process may have changed.

        Raises:
            DeviceError: the file cannot be written.
        """
        entries = {**self._entries(), key.digest(): trial}
        content = {
            "format": _FORMAT,
            "trials": {
                name: {"tactic": held.tactic.as_dict(), "time_ms": held.time_ms}
                for name, held in entries.items()
            },
        }
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            replace_file(self._path, (json.dumps(content, indent=1) + "\n").encode())
        except OSError as failure:
            reason = failure.strerror or str(failure)
            raise DeviceError(f"{self._path}: the trials cannot be written: {reason}") from failure

    def _entries(self) -> dict[str, Trial]:
        if not self._path.exists():
            return {}
        try:
            return _parsed(json.loads(self._path.read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError, TypeError) as failure:
            self.warning = f"{self._path}: the trials are not used ({failure}); new ones are begun"
            return {}


def _parsed(content: Any) -> dict[str, Trial]:
    if not isinstance(content, dict) or content.get("format") != _FORMAT:
        raise ValueError(f"it is not of format {_FORMAT}")
    return {
        name: Trial(Tactic.from_dict(entry["tactic"]), float(entry["time_ms"]))
        for name, entry in content["trials"].items()
    }
