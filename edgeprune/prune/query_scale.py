"""What surgery multiplies query weights by, so that attention scores stay what they were.

Code that divides scores by sqrt(d) for the d it finds divides by sqrt(d') once heads are narrower.
W_q and b_q times sqrt(d'/d) take that back, exactly.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgeprune.prune.cost import FloatArray
from edgeprune.prune.graph.types import ChannelGraph, IntArray
from edgeprune.prune.removal import Removal

AxisFactors = dict[tuple[str, int], FloatArray]


def query_factors(
    graph: ChannelGraph, removal: Removal, kept: Mapping[tuple[str, int], IntArray]
) -> AxisFactors:
    """By (tensor, axis): a factor for each position that is left; axes without queries are absent.

    Args:
        kept: positions that are left along the axes that get shorter (`kept_positions`).
    """
    found: AxisFactors = {}
    for number in removal.touched():
        queries = graph.groups[number].queries
        if queries is None:
            continue
        left = queries.width - len(removal.channels[number])
        for slices in queries.slices:
            key = slices.tensor, slices.axis
            factors = np.ones(graph.tensors[slices.tensor][slices.axis])
            factors[slices.index] = np.sqrt(left / queries.width)
            found[key] = found.get(key, 1.0) * factors[kept[key]]
    return found
