"""The multiple-choice knapsack: one width for every group, least loss, enough saved.

Shen et al., "Structural Pruning via Latency-Saliency Knapsack", NeurIPS 2022 (arXiv 2210.06659),
solve it with a saving per channel; here every group takes one of the widths that were measured, so
that a step of the hardware's is seen.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgeprune.prune.cost import FloatArray
from edgeprune.prune.graph.types import IntArray

_CELLS = 16384  # that all a network can save is divided into
_EXACT = 1e-9


def least_loss(
    losses: Sequence[FloatArray], savings: Sequence[FloatArray], needed: float
) -> list[int] | None:
    """The choice of every group under which least is lost.

    Dynamic programming over savings that are rounded down to a 16384th of the largest sum, so that
    what is found really saves `needed`; a choice that saves less than a group's share of that more
    may be missed. With the same tables, more `needed` never loses less.

    Args:
        losses: per group what each choice loses; choice 0 is to leave it as it is.
        savings: per group what each choice saves, of the same lengths.
        needed: the least sum of savings.

    Returns:
        The number of each group's choice; None where no choices save so much.
    """
    whole = sum(float(saving.max()) for saving in savings)
    if needed <= 0 or whole <= 0:
        return [int(np.argmin(loss)) for loss in losses] if needed <= 0 else None
    goal = int(np.ceil(needed / whole * _CELLS - _EXACT))
    if goal > _CELLS:
        return None
    best = np.full(goal + 1, np.inf)  # least loss for at least so many cells
    best[0] = 0.0
    taken: list[IntArray] = []
    cells = [np.floor(saving / whole * _CELLS + _EXACT).astype(np.int64) for saving in savings]
    for loss, steps in zip(losses, cells, strict=True):
        best, choice = _with_group(best, loss, steps)
        taken.append(choice)
    return _traced(taken, cells, goal) if np.isfinite(best[goal]) else None


def _with_group(best: FloatArray, loss: FloatArray, cells: IntArray) -> tuple[FloatArray, IntArray]:
    """The least losses with one more group, and its choice for every number of cells."""
    reached = np.arange(len(best))
    least = np.full(len(best), np.inf)
    choice = np.zeros(len(best), dtype=np.int64)
    for number, (cost, step) in enumerate(zip(loss, cells, strict=True)):
        total = best[np.maximum(reached - step, 0)] + cost
        better = total < least
        least[better], choice[better] = total[better], number
    return least, choice


def _traced(taken: Sequence[IntArray], cells: Sequence[IntArray], goal: int) -> list[int]:
    left, chosen = goal, []
    for choice, steps in zip(reversed(taken), reversed(cells), strict=True):
        number = int(choice[left])
        chosen.append(number)
        left = max(0, left - int(steps[number]))
    return chosen[::-1]
