"""Post-training quantisation: from a graph of FP32 and some data to one in INT8."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgeprune.errors import UnsupportedError
from edgeprune.export.precision.calibration import Calibration
from edgeprune.export.precision.fallback import (
    Kept,
    SiteCost,
    fall_back,
    site_costs,
    worst_noise_db,
)
from edgeprune.export.precision.histogram import Histogram
from edgeprune.export.precision.integers import LEVELS
from edgeprune.export.precision.qdq import write_qdq
from edgeprune.export.precision.sessions import running
from edgeprune.export.precision.sites import Sites, find_sites
from edgeprune.export.precision.survey import Feed, histograms
from edgeprune.export.precision.switchboard import opened
from edgeprune.export.precision.thresholds import THRESHOLDS

if TYPE_CHECKING:
    from onnx import ModelProto

_COST_NUMBERS = 400_000  # of the input, that every site's cost is measured on
_COST_SAMPLES = (8, 64)


@dataclass(frozen=True)
class Int8Plan:
    """What becomes INT8 and with which scales.

    Attributes:
        sites: all places.
        kept: those that stay, and those that went back.
        costs: each place alone, the costliest first.
        thresholds: by value, the magnitude that becomes 127.
        calibration: how those were chosen.
        noise_db: of the output with all kept sites, on calibration data.
        tried_db: the same with all sites, by calibration, where several were tried.
        unused_scales: modules with a learned step that no place takes.
    """

    sites: Sites
    kept: Kept
    costs: tuple[SiteCost, ...]
    thresholds: dict[str, float]
    calibration: str
    noise_db: float
    tried_db: dict[str, float]
    unused_scales: tuple[str, ...] = ()

    @property
    def nodes(self) -> frozenset[str]:
        """The sites that are INT8 in the end, by node."""
        return self.sites.closed(self.kept.on)


def as_written(model: ModelProto) -> ModelProto:
    """The graph itself."""
    return model


def plan_int8(
    model: ModelProto,
    feeds: Sequence[Feed],
    how: Calibration,
    *,
    half_scales: bool,
    runs_as: Callable[[ModelProto], ModelProto] = as_written,
) -> Int8Plan:
    """Calibrate, rank the layers by what INT8 costs, and put back as many as it takes.

    Args:
        model: a valid graph of FP32.
        feeds: calibration data.
        how: method and metric.
        half_scales: scales that FP16 holds exactly.
        runs_as: makes of a graph with INT8 in it the one that shows what the target computes; the
            metric is that one's, so that what holds here holds for the file.

    Raises:
        UserInputError: data that cannot be used.
        UnsupportedError: no layer can become INT8; each is named with the reason.
    """
    sites = find_sites(model, ends=how.ends)
    if not sites.found:
        why = "; ".join(f"{name} {reason}" for name, reason in list(sites.left.items())[:3])
        raise UnsupportedError(f"no layer can become INT8 ({why}); use fp16")
    spread = histograms(model, {site.value for site in sites.found}, _counted(feeds, how))
    few = _some_samples(feeds)
    name, thresholds, tried = _chosen(model, sites, spread, few, how, half_scales)

    def tried_graph(on: Sequence[str]) -> ModelProto:
        chosen = sites.closed(on)
        return runs_as(write_qdq(model, sites, chosen, thresholds, half_scales=half_scales))

    with opened(model, sites, thresholds, half_scales=half_scales) as board:
        ranked = how.ranks or _may_put_back(how)
        costs = site_costs(board, few, how.count) if ranked else ()
        kept = _kept(model, sites, costs, how, tried_graph)
        exact = [board.outputs(feed, ()) for feed in few]
        noise = worst_noise_db(exact, [board.outputs(feed, kept.on) for feed in few])
    unused = tuple(sorted(set(how.learned) - {site.module for site in sites.found}))
    return Int8Plan(sites, kept, costs, thresholds, name, noise, tried, unused)


def write_int8(
    model: ModelProto, plan: Int8Plan, *, half_scales: bool, integer_weights: bool
) -> ModelProto:
    """The graph with what the plan keeps; see `write_qdq`."""
    return write_qdq(
        model,
        plan.sites,
        plan.nodes,
        plan.thresholds,
        half_scales=half_scales,
        integer_weights=integer_weights,
    )


def _may_put_back(how: Calibration) -> bool:
    return how.score is not None and how.max_accuracy_drop is not None


def _kept(
    model: ModelProto,
    sites: Sites,
    costs: tuple[SiteCost, ...],
    how: Calibration,
    tried_graph: Callable[[Sequence[str]], ModelProto],
) -> Kept:
    """All sites, or as many as the metric allows."""
    score, allowed = how.score, how.max_accuracy_drop
    if score is None or allowed is None:
        return Kept(tuple(site.node for site in sites.found), (), None, holds=True)

    def measured(graph: ModelProto) -> float:
        with running(graph) as runner:
            return score(lambda feed: next(iter(runner.infer(feed).values())))

    def drop_of(on: Sequence[str]) -> float:
        how.count("trying layers in INT8", len(on), len(costs))
        return reference - measured(tried_graph(on))

    reference = measured(model)
    return fall_back(costs, drop_of, allowed)


def _chosen(
    model: ModelProto,
    sites: Sites,
    spread: Mapping[str, Histogram],
    feeds: Sequence[Feed],
    how: Calibration,
    half_scales: bool,
) -> tuple[str, dict[str, float], dict[str, float]]:
    """The method's name, its thresholds, and the noise of each that was tried."""
    names = [name for name in THRESHOLDS if how.method in (name, "auto")]
    found = {name: _thresholds(sites, spread, name, how.learned) for name in names}
    if len(names) == 1:
        return names[0], found[names[0]], {}
    tried: dict[str, float] = {}
    everything = [site.node for site in sites.found]
    for name in names:
        with opened(model, sites, found[name], half_scales=half_scales) as board:
            exact = [board.outputs(feed, ()) for feed in feeds]
            found_now = [board.outputs(feed, everything) for feed in feeds]
            tried[name] = worst_noise_db(exact, found_now)
    best = max(names, key=lambda name: tried[name])
    return best, found[best], tried


def _thresholds(
    sites: Sites,
    spread: Mapping[str, Histogram],
    method: str,
    learned: Mapping[str, float],
) -> dict[str, float]:
    found = {name: THRESHOLDS[method](histogram) for name, histogram in spread.items()}
    taught: dict[str, float] = {}
    for site in sites.found:
        if site.kind == "layer" and site.module in learned:
            # Of two layers that read one value the larger step counts: it cuts nothing off.
            taught[site.value] = max(taught.get(site.value, 0.0), learned[site.module] * LEVELS)
    return {**found, **taught}


def _counted(feeds: Sequence[Feed], how: Calibration) -> Iterator[Feed]:
    for number, feed in enumerate(feeds, start=1):
        how.count("calibrating", number, len(feeds))
        yield feed


def _some_samples(feeds: Sequence[Feed]) -> list[Feed]:
    """The first feeds, cut: each site's cost takes a run over them."""
    numbers = sum(values[:1].size for values in feeds[0].values())
    samples = int(np.clip(_COST_NUMBERS // max(numbers, 1), *_COST_SAMPLES))
    taken: list[Feed] = []
    for feed in feeds:
        size = min(samples, len(next(iter(feed.values()))))
        if size > 0:
            taken.append({name: values[:size] for name, values in feed.items()})
        samples -= size
    return taken
