"""Widths within the budget, tried out before one of them is trained to the end.

A knapsack over summed importance finds the widths that lose least by a formula, and what a network
is worth after it was trained on is another thing: a wide layer behind a bottleneck loses little and
is of little use. So the knapsack is asked under several weighings of the groups, each time for
widths within the whole budget, and every network is cut out, trained for a moment and judged.
(NetAdapt: Yang et al., ECCV 2018, arXiv 1804.03230, picks among proposals for a measured budget by
a short training.) A prediction that is wrong makes some widths look cheap, and those are what a
search would find: one that seems better than all before is measured and put right first.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from edgeprune.methods.measured.rounds import OVER, Round, Settled, corrected
from edgeprune.methods.measured.weighing import Weighing
from edgeprune.prune.budget import Budget, Choice
from edgeprune.prune.graph.types import ChannelGraph
from edgeprune.prune.removal import Removal

# The criterion as it is; little more than widths; all groups alike.
_FIRST = (Weighing(), Weighing(spread=0.25), Weighing(alike=True))
_FACTORS = (1 / 3, 3.0)  # of one group in a mutation: a step or two of its widths
_TRIES = 4  # mutations for each candidate that is wanted: some lead to widths that were judged

Propose = Callable[[Weighing, Budget], Choice]
Verify = Callable[[Weighing, Budget], Settled]
Judge = Callable[[Removal], float]


@dataclass(frozen=True)
class Candidate:
    """Widths within the budget, as far as is known.

    Attributes:
        weighing: what led to them.
        widths: channels left of each group, by its name.
        predicted: the budgets' values, by name.
        loss: on held-out samples, after a short training.
        measured: the budgets' values, by name; empty where nothing was measured.
        corrections: of the prediction under which the weighing leads to them, by the budget's name.
    """

    weighing: Weighing
    widths: Mapping[str, int]
    predicted: Mapping[str, float]
    loss: float
    measured: Mapping[str, float] = field(default_factory=dict)
    corrections: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Found:
    """All candidates, the chosen one first, and what finding them took."""

    candidates: tuple[Candidate, ...]
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON, which has no NaN: a loss that is not finite is None."""
        plain = asdict(self)
        for candidate in plain["candidates"]:
            if not math.isfinite(candidate["loss"]):
                candidate["loss"] = None
        return plain


class WidthSearch:
    """A local search over weighings.

    Args:
        graph: the network as it is.
        budget: the whole budget, with the prediction as it is.
        propose: the widths under a weighing.
        verify: measures these, and puts the prediction right.
        judge: the held-out loss of a network without the channels; lower is better.
    """

    def __init__(
        self, graph: ChannelGraph, budget: Budget, propose: Propose, verify: Verify, judge: Judge
    ) -> None:
        self._graph = graph
        self._budget = budget
        self._propose = propose
        self._verify = verify
        self._judge = judge
        self._judged: dict[tuple[int, ...], Candidate] = {}
        self._best: Candidate | None = None

    def run(self, count: int, seed: int) -> Found:
        """Try `count` candidates out; there are none where no widths meet the budget.

        The criterion's own weighing, one of little more than widths and the narrowing of all groups
        alike come first. The others change the factor of one group in the best so far, at random.

        Args:
            count: candidates that are judged; fewer where mutations find no more.
            seed: of the mutations.
        """
        started = time.monotonic()
        for weighing in _FIRST:
            self._try_out(weighing)
        rng = np.random.default_rng(seed)
        names = [group.name for group in self._graph.groups]
        for _ in range(_TRIES * count):
            if self._best is None or len(self._judged) >= count:
                break
            parent = Weighing() if self._best.weighing.alike else self._best.weighing
            name, factor = str(rng.choice(names)), float(rng.choice(_FACTORS))
            self._try_out(parent.with_factor(name, factor))
        chosen = () if self._best is None else (self._best,)
        known = {tuple(candidate.widths.values()) for candidate in chosen}
        others = [c for c in self._judged.values() if tuple(c.widths.values()) not in known]
        return Found((*chosen, *sorted(others, key=_loss)), time.monotonic() - started)

    def _try_out(self, weighing: Weighing) -> None:
        found = self._judged_one(weighing, self._budget)
        if found is None or not self._may_win(found):
            return
        settled = self._verify(weighing, self._budget)
        found = self._judged_one(weighing, settled.budget, settled.measured)
        if found is not None and (self._best is None or self._key(found) < self._key(self._best)):
            self._best = found
            # What comes next is much like it: the prediction is to be right here.
            self._budget = corrected(settled.budget, Round(found.predicted, settled.measured))

    def _may_win(self, found: Candidate) -> bool:
        """Whether it would be the best if it turned out to use the budget."""
        return self._best is None or (False, _loss(found)) < self._key(self._best)

    def _key(self, measured: Candidate) -> tuple[bool, float]:
        """Too much is worse than any loss."""
        asked = {target.table.name: target.value for target in self._budget.measured}
        used = max((cost / asked[name] for name, cost in measured.measured.items()), default=0.0)
        return used > 1.0 + OVER, _loss(measured)

    def _judged_one(
        self, weighing: Weighing, budget: Budget, measured: Mapping[str, float] | None = None
    ) -> Candidate | None:
        """The candidate of a weighing; None where it meets no budget, or is known unmeasured."""
        choice = self._propose(weighing, budget)
        key = tuple(choice.removal.counts.tolist())
        known = self._judged.get(key)
        if not choice.met or (known is not None and measured is None):
            return None
        names = (group.name for group in self._graph.groups)
        sizes = (group.size for group in self._graph.groups)
        found = Candidate(
            weighing,
            {name: size - n for name, size, n in zip(names, sizes, key, strict=True)},
            dict(choice.reached),
            self._judge(choice.removal) if known is None else known.loss,
            dict(measured or {}),
            {target.table.name: target.table.correction for target in budget.measured},
        )
        self._judged[key] = found
        return found


def _loss(candidate: Candidate) -> float:
    """Networks whose short training failed come last."""
    return candidate.loss if math.isfinite(candidate.loss) else math.inf
