"""What an export in FP16 or INT8 did, and what it cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeprune.errors import AccuracyGateMissedError, UserInputError
from edgeprune.export.noise import finite_db
from edgeprune.export.precision.calibration import Score
from edgeprune.export.precision.convert import Converted, PrecisionName
from edgeprune.export.precision.emulate import emulated
from edgeprune.export.precision.fallback import worst_noise_db
from edgeprune.export.precision.int8 import Int8Plan
from edgeprune.export.precision.sessions import running
from edgeprune.export.precision.survey import Feed

if TYPE_CHECKING:
    from onnx import ModelProto

_WORST = 5


@dataclass(frozen=True)
class LayerCost:
    """One layer alone in INT8.

    Attributes:
        layer: PyTorch module.
        noise_db: signal-to-noise ratio of the network's output in decibels; low is bad.
        int8: whether it stays INT8.
    """

    layer: str
    noise_db: float
    int8: bool


@dataclass(frozen=True)
class PrecisionReport:
    """An export in FP16 or INT8 against the one in FP32, both in ONNX Runtime here.

    FP16 is emulated, see `emulate`: ONNX Runtime would compute it in FP32 on most CPUs.

    Attributes:
        precision: `fp16` or `int8`.
        remark: what these figures do not show of the target; may be empty.
        kept_fp32: how many nodes stay FP32 for which reason.
        int8_layers: PyTorch modules in INT8.
        unused_scales: modules whose step was learned in training and is used nowhere.
        left: weighted layers that were not considered for INT8, with the reason.
        layers: each place alone in INT8, the costliest first.
        calibration: method that chose the scales; None without INT8.
        tried_db: noise of each method that was tried, everything in INT8.
        max_abs_error: largest difference from FP32's outputs.
        noise_db: signal-to-noise ratio against them, in decibels; of the worst output.
        metric_fp32: top-1 in percent on the validation split; None without labelled data.
        metric: the same in this precision.
        allowed_drop: points that may be lost; None where nothing was asked.
        holds: whether no more was lost.
    """

    precision: PrecisionName
    remark: str
    kept_fp32: dict[str, int]
    int8_layers: tuple[str, ...]
    unused_scales: tuple[str, ...]
    left: dict[str, str]
    layers: tuple[LayerCost, ...]
    calibration: str | None
    tried_db: dict[str, float]
    max_abs_error: float
    noise_db: float
    metric_fp32: float | None
    metric: float | None
    allowed_drop: float | None
    holds: bool

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)

    def lines(self) -> list[str]:
        """For people."""
        return [
            line for line in (self._quality(), self._int8(), self._fp32(), self._worst()) if line
        ]

    def _quality(self) -> str:
        found = f"{self.precision}: {self.noise_db:.0f} dB from fp32"
        if self.metric is not None:
            found += f"; validation top-1 {self.metric:.2f} % (fp32 {self.metric_fp32:.2f} %)"
        return found + (f"; {self.remark}" if self.remark else "")

    def _int8(self) -> str:
        if self.calibration is None:
            return ""
        back = [cost.layer for cost in self.layers if not cost.int8]
        found = f"INT8 in {len(self.int8_layers)} places, scales by {self.calibration}"
        if self.unused_scales:
            found += f"; learned scales not used: {', '.join(self.unused_scales)}"
        return found + (f"; back in floating point: {', '.join(back)}" if back else "")

    def _fp32(self) -> str:
        parts = (f"{count} × {reason}" for reason, count in self.kept_fp32.items())
        return f"stay FP32: {'; '.join(parts)}" if self.kept_fp32 else ""

    def _worst(self) -> str:
        worst = [f"{cost.layer} {cost.noise_db:.0f} dB" for cost in self.layers[:_WORST]]
        return f"costliest alone: {', '.join(worst)}" if worst else ""


def measured(
    before: ModelProto,
    converted: Converted,
    precision: PrecisionName,
    feeds: Sequence[Feed],
    *,
    score: Score | None,
    allowed_drop: float | None,
    remark: str,
) -> PrecisionReport:
    """Run both graphs on the same inputs.

    Args:
        before: the graph of FP32.
        score: the metric; None where the data has no labels.

    Raises:
        UserInputError: outputs of FP32 are not finite.
        AccuracyGateMissedError: those of the other graph alone are not.
    """
    with (
        running(before) as exact,
        running(emulated(converted.by_flags or converted.model)) as found,
    ):
        a = [list(exact.infer(feed).values()) for feed in feeds]
        b = [list(found.infer(feed).values()) for feed in feeds]
        _require_finite(a, b, precision)
        metrics = (
            (None, None)
            if score is None
            else (score(lambda f: _first(exact.infer(f))), score(lambda f: _first(found.infer(f))))
        )
    drop = None if metrics[0] is None or metrics[1] is None else metrics[0] - metrics[1]
    plan = converted.int8
    return PrecisionReport(
        precision=precision,
        remark=remark,
        kept_fp32=dict(Counter(converted.kept_fp32.values())),
        int8_layers=_int8_layers(plan),
        unused_scales=plan.unused_scales if plan else (),
        left=dict(plan.sites.left) if plan else {},
        layers=_layer_costs(plan),
        calibration=plan.calibration if plan else None,
        tried_db={} if plan is None else {n: finite_db(v) for n, v in plan.tried_db.items()},
        max_abs_error=max(map(_max_abs_error, a, b)),
        noise_db=finite_db(worst_noise_db(a, b)),
        metric_fp32=metrics[0],
        metric=metrics[1],
        allowed_drop=allowed_drop,
        holds=allowed_drop is None or drop is None or drop <= allowed_drop,
    )


def _int8_layers(plan: Int8Plan | None) -> tuple[str, ...]:
    if plan is None:
        return ()
    on = plan.nodes
    return tuple(site.label for site in plan.sites.found if site.node in on)


def _layer_costs(plan: Int8Plan | None) -> tuple[LayerCost, ...]:
    if plan is None:
        return ()
    on = plan.nodes
    return tuple(LayerCost(c.label, finite_db(c.noise_db), c.node in on) for c in plan.costs)


def _require_finite(
    exact: list[list[np.ndarray]], found: list[list[np.ndarray]], precision: PrecisionName
) -> None:
    if not all(np.isfinite(output).all() for outputs in exact for output in outputs):
        raise UserInputError(
            "the network's outputs are not finite in fp32 already on this data; check its weights "
            "and the normalisation"
        )
    if not all(np.isfinite(output).all() for outputs in found for output in outputs):
        raise AccuracyGateMissedError(
            f"{precision}: outputs become infinite or no numbers where fp32's are finite; use "
            "--precision fp32"
        )


def _max_abs_error(exact: list[np.ndarray], found: list[np.ndarray]) -> float:
    pairs = zip(exact, found, strict=True)
    return max(float(np.abs(x.astype(np.float64) - y).max(initial=0.0)) for x, y in pairs)


def _first(outputs: dict[str, np.ndarray]) -> np.ndarray:
    return next(iter(outputs.values()))
