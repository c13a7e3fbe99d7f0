"""Pruning events: how far to go, what to remove, the proof, the surgery, and what is recorded.

The main process decides and proves; the others carry out the same removal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from edgeprune.data.dataset import Data
from edgeprune.data.randomness import keyed_generator
from edgeprune.device.errors import DeviceError
from edgeprune.errors import BudgetMissedError, EdgepruneError
from edgeprune.methods.measured.budget import MeasuredBudget
from edgeprune.methods.measured.candidates import Judge
from edgeprune.methods.measured.choice import WidthChoice
from edgeprune.methods.measured.rounds import Round
from edgeprune.methods.measured.trial_runs import TrialRuns
from edgeprune.methods.measured.weighing import Weighing
from edgeprune.methods.plan import kept_density
from edgeprune.methods.pruning_record import event_record, unreachable
from edgeprune.methods.student import Student
from edgeprune.models.summary import count_params, summarise
from edgeprune.prune.budget import Budget, OriginalSize, choose_removal
from edgeprune.prune.chosen_layers import confined_to
from edgeprune.prune.cost import CostModel, FloatArray
from edgeprune.prune.discovery import find_channels
from edgeprune.prune.graph.types import ChannelGraph
from edgeprune.prune.importance import NEED_GRADIENTS, score_channels
from edgeprune.prune.masks import MaskSet
from edgeprune.prune.plan import plan_removal
from edgeprune.prune.query_scale import query_factors
from edgeprune.prune.refill import score_survivors
from edgeprune.prune.removal import Removal, kept_outputs, kept_positions, make_removal
from edgeprune.prune.surgery import remove_channels
from edgeprune.prune.two_to_four import GROUP as PATTERN_GROUP
from edgeprune.prune.width_rules import WidthRules
from edgeprune.recipe import Recipe
from edgeprune.train.distributed import World
from edgeprune.train.learner import Learner

_SCORED_BATCHES = 8  # training batches whose gradients a first-order score averages


class Pruner:
    """Carries out the pruning events of one run.

    Args:
        build: makes the original student, whose size all targets refer to.
        taps: module paths whose widths the SAD head follows.
        measured: budgets in milliseconds or millijoules, where there are any.

    Attributes:
        original: size of the original student.
        measured: as given.
        planned: what was measured before anything was trained, where such a budget is given.

    Raises:
        BudgetMissedError: the network cannot get that small; the line says how far it can.
        UserInputError: it is that small already.
        DeviceError: a target on which a budget is to be measured does not answer.
    """

    def __init__(
        self,
        recipe: Recipe,
        data: Data,
        world: World,
        build: Callable[[], nn.Module],
        taps: tuple[str, ...],
        measured: MeasuredBudget | None = None,
    ) -> None:
        self._recipe = recipe
        self._data = data
        self._world = world
        self._taps = taps
        self._example = data.example_inputs(1)
        self._rules = WidthRules(
            recipe.round_to,
            recipe.floor,
            recipe.floors,
            recipe.global_pruning,
            recipe.isomorphic,
            recipe.per_cost,
        )
        self.measured = measured
        self.planned: tuple[Round, ...] = ()
        self._widths: WidthChoice | None = None
        original = build().to(world.device)
        graph = self._trace(original)
        costs = CostModel.of(original, graph)
        self.original = OriginalSize.of(graph, costs)
        self._budget = self._whole_budget(original, graph, costs)
        if recipe.refill or not recipe.masks_weights:
            self._check_reachable(original, graph, costs)
        if measured is not None:
            widths = WidthChoice(recipe, measured, self._rules, self.original)
            settled = self._on_main(lambda: widths.plan(self._budget, original, graph, costs))
            self._widths = widths
            self._budget, self.planned = settled.budget, settled.rounds

    @property
    def budget(self) -> Budget:
        """What is to be reached."""
        return self._budget

    def sizes(self, student: Student) -> dict[str, float]:
        """Parameters, MACs and summed layer widths of the network as it is, for the history."""
        summary = summarise(student.module, self._on_device())
        sizes = {
            "params": float(summary.params),
            "macs": float(summary.macs),
            "channels": float(sum(layer.out_width or 0 for layer in summary.layers)),
        }
        if student.masks is not None:
            sizes["mask_sparsity"] = student.masks.sparsity
        return sizes

    def prune(self, student: Student, progress: float, learner: Learner) -> dict[str, Any]:
        """One event: go `progress` of the way from the original size to the target.

        Returns:
            A record of plain values: sizes, what was removed, how exact it was, what stayed.

        Raises:
            BudgetMissedError: the network cannot get that small; the line says how far it can.
        """
        if self._recipe.masks_weights:
            return self._mask_weights(student, progress)
        budget = self._budget if progress >= 1 else self._budget.at(progress, self.original)
        return self._prune_channels(student, budget, learner)

    def refill(self, student: Student, weights: Mapping[str, Tensor]) -> dict[str, Any]:
        """Turn the weight ticket into one of channels, of the size that was asked for.

        The channels with the most weights left get the others from `weights`; the rest go.

        Args:
            student: with the masks of the search, which it has no more afterwards.
            weights: of the original student.

        Returns:
            A record as from `prune`.

        Raises:
            BudgetMissedError: as in `prune`.
        """
        assert student.masks is not None, "the search comes first"
        graph = self._trace(student.module)
        scores = score_survivors(student.masks.state_dict(), graph)
        student.refill(weights)
        return self._remove(student, graph, self._budget, lambda: scores, None)

    def prune_like(self, student: Student, model: Student, rng: np.random.Generator) -> None:
        """Remove as many channels from each group as `model` has lost, but drawn at random."""
        if model.masks is not None:
            student.masks = model.masks.shuffled(student.module, rng, self._recipe.mask_vector)
            return
        graph = self._trace(student.module)
        left = {group.name: group.size for group in self._trace(model.module).groups}
        gone = [
            rng.choice(group.size, group.size - left.get(group.name, 1), replace=False)
            for group in graph.groups
        ]
        self._cut(student, graph, make_removal(gone), None)

    def prune_uniformly(self, student: Student, model: Student) -> None:
        """Narrow every group by the same fraction until the parameters match `model`'s.

        Widths are as fine as they can be, so that the sizes match; only a pattern that is to
        follow needs multiples.
        """
        finest = PATTERN_GROUP if self._recipe.granularity == "2:4" else 1
        graph = self._trace(student.module)
        costs = CostModel.of(student.module, graph)
        choice = choose_removal(
            graph,
            score_channels(student.module, graph, "random", seed=self._recipe.seed),
            Budget(target_params=float(count_params(model.module))),
            WidthRules(round_to=finest, floor=0.0, global_pruning=False),
            original=self.original,
            costs=costs,
        )
        self._cut(student, graph, choice.removal, None)

    def _whole_budget(self, original: nn.Module, graph: ChannelGraph, costs: CostModel) -> Budget:
        """Everything that is asked; tables of measured costs come from the main process."""
        recipe, measured = self._recipe, self.measured
        counted = (recipe.pruning_ratio, recipe.target_params, recipe.target_macs)
        others = None if all(value is None for value in counted) else Budget(*counted)
        if measured is None:
            return Budget(*counted)
        example = self._on_device()
        budget: Budget = self._on_main(
            lambda: measured.beside(
                others,
                measured.prepare(
                    original, graph, costs, example, self._rules, alone=others is None
                ),
            )
        )
        return budget

    def _on_main(self, decide: Callable[[], Any]) -> Any:
        """What the main process decides, for all; and what stops it stops all."""
        outcome: Any = None
        if self._world.is_main:
            try:
                outcome = decide()
            except (EdgepruneError, DeviceError) as failure:
                outcome = failure
        outcome = self._world.broadcast(outcome)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def _check_reachable(self, original: nn.Module, graph: ChannelGraph, costs: CostModel) -> None:
        """Miss a budget now and not after hours: what may go at all depends on no training."""
        choice = choose_removal(
            graph,
            score_channels(original, graph, "random", seed=self._recipe.seed),
            self._budget,
            self._rules,
            original=self.original,
            costs=costs,
        )
        if not choice.met:
            raise BudgetMissedError(
                unreachable(choice.asked, choice.reached, choice.limited_by, self._recipe)
            )

    def _prune_channels(self, student: Student, budget: Budget, learner: Learner) -> dict[str, Any]:
        graph = self._trace(student.module)
        gradients = self._gradients(learner)
        score = partial(
            score_channels,
            student.module,
            graph,
            self._recipe.importance,
            seed=self._recipe.seed,
            gradients=gradients,
        )
        return self._remove(student, graph, budget, score, learner)

    def _remove(
        self,
        student: Student,
        graph: ChannelGraph,
        budget: Budget,
        score: Callable[[], list[FloatArray]],
        learner: Learner | None,
    ) -> dict[str, Any]:
        removal_plain, record = self._on_main(
            lambda: self._decide(student, graph, budget, score(), learner)
        )
        if not record["met"]:
            raise BudgetMissedError(
                unreachable(record["asked"], record["reached"], record["limited_by"], self._recipe)
            )
        removal = Removal.from_dict(removal_plain)
        if not removal.is_empty:
            self._cut(student, graph, removal, learner)
        checked: dict[str, Any] = record
        return checked

    def _decide(
        self,
        student: Student,
        graph: ChannelGraph,
        budget: Budget,
        scores: list[FloatArray],
        learner: Learner | None,
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        is_last = self.measured is not None and budget is self._budget
        rounds: dict[str, Any] = {}
        rules = self._rules
        if self._widths is not None:
            costs = CostModel.of(student.module, graph)
            weighing, whole = self._weighing(student, graph, scores, costs, learner)
            if is_last:
                settled = self._widths.settle(whole, weighing, graph, scores, costs)
                whole = budget = settled.budget
                rounds = settled.as_dict()
            self._budget = whole
            budget = budget.with_tables({t.table.name: t.table for t in whole.measured})
            scores, rules = weighing.applied(graph, scores), self._widths.rules_of(weighing)
        plan = plan_removal(
            student.module,
            graph,
            scores,
            budget,
            self._on_device(),
            rules,
            original=self.original,
            goal=None if is_last else self._budget,
        )
        record = event_record(graph, plan)
        record["reached"] |= rounds.pop("measured", {})
        return plan.choice.removal.as_dict(), record | rounds

    def _weighing(
        self,
        student: Student,
        graph: ChannelGraph,
        scores: list[FloatArray],
        costs: CostModel,
        learner: Learner | None,
    ) -> tuple[Weighing, Budget]:
        """How groups are weighed; without a learner nothing can be tried out."""
        if self._widths is None or learner is None:
            return Weighing(), self._budget

        def cut(candidate: Student, removal: Removal) -> None:
            self._cut(candidate, graph, removal, None)

        def trials() -> Judge:
            return TrialRuns(student, learner, self._data, cut).loss

        return self._widths.weighing(self._budget, graph, scores, costs, trials)

    def _cut(
        self, student: Student, graph: ChannelGraph, removal: Removal, learner: Learner | None
    ) -> None:
        tap_keep = {
            number: torch.from_numpy(kept_outputs(graph, removal, path))
            for number, path in enumerate(self._taps)
        }
        optimizer = None if learner is None else learner.optimizer
        remove_channels(student.module, graph, removal, optimizer=optimizer)
        kept = kept_positions(graph, removal)
        student.kept = student.kept.after(kept, query_factors(graph, removal, kept))
        if learner is not None:
            learner.after_surgery(tap_keep)

    def _mask_weights(self, student: Student, progress: float) -> dict[str, Any]:
        if student.masks is None:
            student.masks = MaskSet.for_weights(student.module)
        student.masks.shrink_to(
            student.module, kept_density(self._recipe, progress), self._recipe.mask_vector
        )
        student.hold()
        asked = 1.0 - kept_density(self._recipe, 1.0)
        return {
            "mask_sparsity": student.masks.sparsity,
            "asked": {"mask_sparsity": asked},
            "reached": {"mask_sparsity": student.masks.sparsity},
            "skipped": [],
        }

    def _gradients(self, learner: Learner) -> list[dict[str, Tensor]] | None:
        if self._recipe.importance not in NEED_GRADIENTS:
            return None
        batches = self._data.train_batches(
            epoch=0,
            batch_size=self._recipe.batch_size,
            seed=keyed_generator(self._recipe.seed, "importance").initial_seed() % 2**31,
            rank=self._world.rank,
            world_size=self._world.size,
            augment=False,
        )
        chosen = [batch for batch, _ in zip(batches, range(_SCORED_BATCHES), strict=False)]
        return learner.gradients([batch.to(self._world.device) for batch in chosen])

    def _trace(self, module: nn.Module) -> ChannelGraph:
        graph = find_channels(
            module,
            self._on_device(),
            ignored_layers=self._recipe.ignored_layers,
            attention=self._recipe.attention,
        )
        return confined_to(graph, module, self._recipe.layers)

    def _on_device(self) -> tuple[Tensor, ...]:
        return tuple(tensor.to(self._world.device) for tensor in self._example)
