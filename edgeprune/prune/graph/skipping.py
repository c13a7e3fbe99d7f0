"""Which layers keep channels, and why."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgeprune.prune.graph.context import TIED
from edgeprune.prune.graph.grouping import Grouping
from edgeprune.prune.graph.ledger import Reason, Solution
from edgeprune.prune.graph.tensors import TensorTable, layer_of
from edgeprune.prune.graph.types import BoolArray, Skipped


def list_skipped(
    table: TensorTable, solution: Solution, reasons: Sequence[Reason], grouping: Grouping
) -> list[Skipped]:
    """Name every layer that writes channels which stay, in the order of the `state_dict`.

    A class that no layer writes (a bare parameter) is named by its tensors, unless the reason is
    evident to anybody. A layer that only reads what stays may shrink itself and is not named.
    """
    texts = [reason.text for reason in reasons] + [TIED]
    why = solution.protected.copy()
    why[grouping.single] = len(reasons)
    stays = np.flatnonzero(why >= 0)
    quiet = np.array([*(reason.quiet for reason in reasons), False])
    bare = table.in_parameters() & ~_written(solution) & ~solution.reads
    stays = stays[solution.writes[stays] | (bare[stays] & ~quiet[why[stays]])]
    pairs = np.stack([table.slot_of(stays), why[stays]], axis=1)
    unique, counts = np.unique(pairs, axis=0, return_counts=True)
    found = [
        Skipped(layer_of(table.slots[slot][0]), texts[reason] + _part(table, slot, count))
        for (slot, reason), count in zip(unique.tolist(), counts.tolist(), strict=True)
    ]
    found += [Skipped(layer_of(key), "it is a constant, not learnt") for key in grouping.constants]
    return list(dict.fromkeys(found))


def _written(solution: Solution) -> BoolArray:
    """For each label, whether any label of its class is written by a layer."""
    written = np.zeros(len(solution.component), dtype=np.bool_)
    written[solution.component[solution.writes]] = True
    return written[solution.component]


def _part(table: TensorTable, slot: int, count: int) -> str:
    width = int(table.start[slot + 1] - table.start[slot])
    return "" if count == width else f" ({count} of {width} channels)"
