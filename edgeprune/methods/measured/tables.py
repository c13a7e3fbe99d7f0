"""Measures a network's cost tables on a target, group by group."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from edgeprune.deploy.meter import Meter
from edgeprune.export.narrowed import NarrowedGraphs
from edgeprune.methods.measured.cache import DENSE, ENERGY, LATENCY, MeasuredCache
from edgeprune.methods.measured.variants import Cut, Variants, removal_of
from edgeprune.prune.cost import CostModel, FloatArray
from edgeprune.prune.cost_table import CostTable, GroupSaving
from edgeprune.prune.graph.types import ChannelGraph, IntArray

QUANTITY = {"target_latency_ms": LATENCY, "target_energy_mj": ENERGY}
UNITS = {"target_latency_ms": "ms", "target_energy_mj": "mJ"}
_TOGETHER = 6  # variants that have turns with the dense network
Tell = Callable[[int, int], None]


def measure_tables(
    graphs: NarrowedGraphs,
    graph: ChannelGraph,
    costs: CostModel,
    variants: Variants,
    meter: Meter,
    cache: MeasuredCache,
    names: Sequence[str],
    tell: Tell,
) -> dict[str, CostTable]:
    """The table of each budget in `names`; what the cache has is not measured again.

    The narrowest network comes first: it tells whether a budget can be met at all.

    Args:
        graphs: the network before anything was removed, and narrowed.
        graph: its channels.
        costs: counts its MACs.
        variants: which narrowed networks are measured.
        tell: told how many networks of how many are measured; what it raises ends measuring.

    Raises:
        DeviceError: the target does not answer, or a graph does not run there.
    """
    quantities = [QUANTITY[name] for name in names]
    narrowest_first = sorted(variants.removed, key=lambda v: v != variants.joint[-1])
    wanted = [v for v in narrowest_first if not cache.has(v, quantities)]
    done = len(variants.removed) - len(wanted)
    for begin in range(0, len(wanted), _TOGETHER):
        tell(done + begin, len(variants.removed))
        part = wanted[begin : begin + _TOGETHER]
        paths = {
            v: graphs.narrowed(removal_of(variants.removed[v]), f"variant-{n}")
            for n, v in enumerate(part)
        }
        cache.add(meter.measure({DENSE: graphs.dense(), **paths}))
    tell(len(variants.removed), len(variants.removed))
    return {name: _table(name, graph, costs, variants, cache) for name in names}


def _table(
    name: str, graph: ChannelGraph, costs: CostModel, variants: Variants, cache: MeasuredCache
) -> CostTable:
    quantity = QUANTITY[name]

    def saving(size: int, cuts: Sequence[Cut]) -> GroupSaving:
        narrowest_first = [cut.variant for cut in reversed(cuts)]
        counts = np.stack([variants.removed[variant] for variant in narrowest_first])
        return GroupSaving(
            (*(cut.width for cut in reversed(cuts)), size),
            (*(1.0 - cache.shares(variant)[quantity] for variant in narrowest_first), 0.0),
            (*(1.0 - _macs_left(costs, counts)).tolist(), 0.0),
        )

    groups = {
        group: saving(graph.groups[graph.group_index[group]].size, cuts)
        for group, cuts in variants.cuts.items()
    }
    joint = np.stack([variants.removed[variant] for variant in variants.joint])
    shares = [cache.shares(variant)[quantity] for variant in variants.joint]
    table = CostTable(name, cache.dense(quantity), groups)
    return table.fitted(graph, joint, _macs_left(costs, joint), shares)


def _macs_left(costs: CostModel, removed: IntArray) -> FloatArray:
    left: FloatArray = costs.params_and_macs(removed)[:, 1] / costs.macs()
    return left
