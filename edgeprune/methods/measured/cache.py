"""What was measured of narrowed networks, in a file that runs of the same network share."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edgeprune.atomic import write_text_atomic
from edgeprune.deploy.meter import Figures

LATENCY, ENERGY = "latency_ms", "energy_mj"
DENSE = "dense"


class MeasuredCache:
    """Shares of the dense network's latency and energy, by the variant's name.

    Complete after every `add`: a run that is killed measures only what is missing.

    Args:
        folder: where the file is, one per network and target.
        key: what a measurement depends on: the network's structure, and the meter's identity.
    """

    def __init__(self, folder: Path, key: Mapping[str, Any]) -> None:
        plain = json.loads(json.dumps(key))
        name = hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:16]
        self.path = folder / f"{name}.json"
        self._content: dict[str, Any] = _read(self.path, plain) or {
            "key": plain,
            "dense": {},
            "variants": {},
        }

    def has(self, variant: str, quantities: Sequence[str] = (LATENCY,)) -> bool:
        """Whether these quantities of a variant are measured."""
        held: dict[str, float] = self._content["variants"].get(variant, {})
        return set(quantities) <= held.keys()

    def add(self, figures: Mapping[str, Figures]) -> None:
        """Take over one measurement: the dense network's figures and those of variants."""
        dense = as_quantities(figures[DENSE])
        for quantity, values in dense.items():
            self._content["dense"].setdefault(quantity, []).extend(values)
        for name, found in figures.items():
            if name != DENSE:
                held = self._content["variants"].setdefault(name, {})
                held |= {q: share(values, dense[q]) for q, values in as_quantities(found).items()}
        write_text_atomic(self.path, json.dumps(self._content, indent=1, sort_keys=True) + "\n")

    def shares(self, variant: str) -> dict[str, float]:
        """Costs of a variant as shares of the dense network's, by quantity."""
        return dict(self._content["variants"][variant])

    def dense(self, quantity: str) -> float:
        """Cost of the dense network when nothing else ran: the lower quartile of all repeats.

        Other work only ever makes a repeat longer.
        """
        return float(np.percentile(self._content["dense"][quantity], 25))


def as_quantities(figures: Figures) -> dict[str, tuple[float, ...]]:
    """What was measured, by name."""
    found = {LATENCY: figures.latency_ms}
    return found if figures.energy_mj is None else found | {ENERGY: figures.energy_mj}


def share(values: Sequence[float], dense: Sequence[float]) -> float:
    """The median over the repeats of the ratio to the dense network in the same repeat."""
    return float(np.median(np.asarray(values, float) / np.asarray(dense, float)))


def _read(path: Path, key: Mapping[str, Any]) -> dict[str, Any] | None:
    """What the file holds; None where there is none, or it is damaged: it is measured again."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    is_ours = isinstance(content, dict) and content.get("key") == key
    return content if is_ours and {"dense", "variants"} <= content.keys() else None
