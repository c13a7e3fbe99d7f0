"""What a window of measured power came to."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class PowerResult:
    """Power and energy between two moments; None, never zero, where there is no figure.

    Attributes:
        sensor: what measured: `ina`, `tegrastats`, `nvml` or `rapl`; empty where none answered.
        scope: what the total is the whole of; totals of different scopes are not comparable.
        duration_s: of the window.
        samples: readings in it.
        rate_hz: readings per second.
        energy_j: of the total.
        mean_w: of the total.
        peak_w: highest total; of a sensor that only counts energy, highest mean between readings.
        rails_mw: mean of each rail; a board without a total still has these.
        total_mw: `mean_w` in the rails' unit.
        reason: why figures are None; empty where none is.
        notes: what else to know of them.
    """

    sensor: str
    scope: str | None
    duration_s: float
    samples: int
    rate_hz: float
    energy_j: float | None
    mean_w: float | None
    peak_w: float | None
    rails_mw: dict[str, float] | None
    total_mw: float | None
    reason: str = ""
    notes: tuple[str, ...] = ()

    @property
    def is_void(self) -> bool:
        """Whether nothing in it holds; a board that only lacks a total is not void."""
        return self.rails_mw is None

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


def void(sensor: str, duration_s: float, samples: int, reason: str) -> PowerResult:
    """A window without figures."""
    rate_hz = samples / duration_s if duration_s > 0 else 0.0
    return PowerResult(
        sensor, None, duration_s, samples, rate_hz, None, None, None, None, None, reason
    )
