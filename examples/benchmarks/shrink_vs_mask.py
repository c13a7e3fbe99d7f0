"""What shrinking while training saves over masking, summed over an SP-SAD schedule.

    python examples/benchmarks/shrink_vs_mask.py > shrink_vs_mask.json

Two students go through the same schedule: one is physically narrowed at every event, the other
keeps its size and holds the same channels at zero, as most pruning code does it. At every distinct
width the steps of both are timed in turns in one process, by the trainer that `edgeprune compress`
uses, and weighted by the epochs that the schedule spends there. What is removed follows from the
L2 norms of untrained weights: times depend on widths, not on what the network has learnt.

The student's own step (forward, backward, optimiser, masks) is held against `LIMIT`. The whole-run
ratio adds the teacher's forward, which is the same on both sides; the SAD head is left out of both.
Tables go to stderr, JSON to stdout.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from sad_step import Action, Spread, machine, measure
from torch import Tensor

from edgeprune.data.batch import Batch
from edgeprune.methods.plan import sp_events
from edgeprune.models.registry import build_model
from edgeprune.prune.budget import Budget, OriginalSize, choose_removal
from edgeprune.prune.cost import CostModel
from edgeprune.prune.graph.trace import trace_channels
from edgeprune.prune.graph.types import ChannelGraph, IntArray
from edgeprune.prune.importance import score_channels
from edgeprune.prune.masks import MaskSet
from edgeprune.prune.removal import Removal, make_removal
from edgeprune.prune.surgery import remove_channels
from edgeprune.prune.width_rules import WidthRules
from edgeprune.recipe import Recipe, resolve_recipe
from edgeprune.train.distributed import World, join_world
from edgeprune.train.learner import Learner
from edgeprune.train.learning_rate import LearningRate
from edgeprune.train.memory_layout import lay_out
from edgeprune.train.precision import choose_precision
from edgeprune.train.settings import FitSettings, LossSettings, OptimiserSettings
from edgeprune.train.teacher import Teacher

LIMIT = 0.85  # shrunk over masked, the student's own step time summed over the run
SIDES = ("shrunk", "masked")
_LEARNING_RATE = 1e-3  # noise teaches nothing; the weights only have to stay finite


class Pair:
    """The same student twice, narrowed and masked by the same removals."""

    def __init__(self, args: argparse.Namespace, recipe: Recipe, world: World) -> None:
        torch.manual_seed(0)
        self.world = world
        self.precision = choose_precision(args.precision, world.device)
        self.batch = _noise(recipe.batch_size, args, world)
        self.recipe = recipe
        self.learners = {side: self._learner(args) for side in SIDES}
        masked = self.learners["masked"].student
        self._example = tuple(tensor[:1] for tensor in self.batch.inputs)
        self._graph = trace_channels(masked, self._example)
        self._original = OriginalSize.of(self._graph, CostModel.of(masked, self._graph))
        self._left: dict[str, IntArray] = {
            group.name: np.arange(group.size) for group in self._graph.groups
        }
        self.masks: MaskSet | None = None
        self.params, self.macs = self._original.params, self._original.macs

    def prune(self, progress: float) -> bool:
        """Take both `progress` of the way to the target; whether that removed anything."""
        learner = self.learners["shrunk"]
        graph = trace_channels(learner.student, self._example)
        choice = choose_removal(
            graph,
            score_channels(learner.student, graph, self.recipe.importance),
            Budget(
                self.recipe.pruning_ratio, self.recipe.target_params, self.recipe.target_macs
            ).at(progress, self._original),
            WidthRules(self.recipe.round_to, self.recipe.floor),
            original=self._original,
            costs=CostModel.of(learner.student, graph),
        )
        if choice.removal.is_empty:
            return False
        remove_channels(learner.student, graph, choice.removal, optimizer=learner.optimizer)
        learner.after_surgery({})
        self._hold(self._in_original(graph, choice.removal))
        self.params, self.macs = choice.params, choice.macs
        return True

    def output_difference(self) -> float:
        """Largest difference of the two networks' outputs, relative to the largest output."""
        shrunk, masked = (self._outputs(self.learners[side]) for side in SIDES)
        return float((shrunk - masked).abs().max() / masked.abs().max())

    def actions(self) -> dict[str, Action]:
        """A step of either side, and the part of the masked one that sets weights to zero."""
        actions: dict[str, Action] = {
            f"{side}_step": _stepping(self.learners[side], self.batch) for side in SIDES
        }
        return {**actions, "masks_alone": self._apply_masks}

    def _learner(self, args: argparse.Namespace) -> Learner:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(1)
            student = build_model(args.student, num_classes=args.classes)
        settings = FitSettings(
            stage="benchmark",
            epochs=1,
            batch_size=len(self.batch),
            rate=LearningRate(_LEARNING_RATE, "cosine", 1),
            loss=LossSettings(),
            optimiser=OptimiserSettings(nesterov=self.recipe.nesterov),
            seed=0,
        )
        learner = Learner(
            student, (), None, settings, self.world, self.precision, self.batch.inputs
        )
        learner.train_mode()
        return learner

    def _in_original(self, graph: ChannelGraph, removal: Removal) -> Removal:
        """The removal in the numbering of the network that nothing was removed from."""
        gone: dict[str, IntArray] = {}
        for group, channels in zip(graph.groups, removal.channels, strict=True):
            left = self._left[group.name]
            gone[group.name] = left[channels]
            self._left[group.name] = np.delete(left, channels)
        nothing = np.empty(0, dtype=np.int64)
        return make_removal([gone.get(group.name, nothing) for group in self._graph.groups])

    def _hold(self, removal: Removal) -> None:
        learner = self.learners["masked"]
        if self.masks is None:
            self.masks = MaskSet.for_channels(learner.student, self._graph, removal)
            learner.after_step = self._apply_masks
        else:
            self.masks.hold_channels(self._graph, removal)
        self._apply_masks()

    def _apply_masks(self) -> None:
        learner = self.learners["masked"]
        if self.masks is not None:
            self.masks.apply(learner.student, learner.optimizer)

    @torch.no_grad()
    def _outputs(self, learner: Learner) -> Tensor:
        learner.student.eval()
        outputs: Tensor = learner.student(*self.batch.inputs)
        learner.train_mode()
        return outputs.double()


@dataclass(frozen=True)
class Width:
    """What was measured at one width.

    Attributes:
        epochs: that the schedule spends there.
        params: of the shrunk student.
        macs: of the shrunk student, for one image.
        output_difference: between the two students, relative; they hold the same function.
        times_ms: by action, a time per round.
    """

    epochs: int
    params: int
    macs: int
    output_difference: float
    times_ms: Mapping[str, Sequence[float]]

    def as_dict(self) -> dict[str, Any]:
        """Plain values, with quartiles in place of single times."""
        spreads = {name: asdict(Spread.of(times)) for name, times in self.times_ms.items()}
        return {**asdict(self), "times_ms": spreads}


def walk(args: argparse.Namespace, recipe: Recipe, world: World) -> list[Width]:
    """Time both sides at every distinct width of the recipe's schedule."""
    pair = Pair(args, recipe, world)
    forward = _teacher_forward(args, pair)
    starts: list[int] = []
    found: list[tuple[int, int, float, dict[str, Any]]] = []

    def enter(epoch: int) -> None:
        times = measure({**pair.actions(), "teacher_forward": forward}, args.rounds, world.device)
        starts.append(epoch)
        found.append((pair.params, pair.macs, pair.output_difference(), times))

    for epoch, progress in {0: 0.0, **sp_events(recipe)}.items():
        if pair.prune(progress) or epoch == 0:
            enter(epoch)
    ends = [*starts[1:], recipe.epochs]
    return [
        Width(end - start, *figures)
        for start, end, figures in zip(starts, ends, found, strict=True)
    ]


def summarise(widths: Sequence[Width], rounds: int) -> dict[str, Any]:
    """Ratios of the sums over the schedule, one per round, and their spread."""

    def summed(number: int, *names: str) -> float:
        return sum(width.epochs * sum(width.times_ms[n][number] for n in names) for width in widths)

    own = [summed(n, "shrunk_step") / summed(n, "masked_step") for n in range(rounds)]
    whole = [
        summed(n, "shrunk_step", "teacher_forward") / summed(n, "masked_step", "teacher_forward")
        for n in range(rounds)
    ]
    epochs = sum(width.epochs for width in widths)
    means = {
        name: asdict(Spread.of([summed(n, name) / epochs for n in range(rounds)]))
        for name in widths[0].times_ms
    }
    ratio = Spread.of(own)
    return {
        "own_step_ratio": asdict(ratio),
        "limit": LIMIT,
        "within_limit": ratio.median <= LIMIT,
        "whole_run_ratio": asdict(Spread.of(whole)),
        "mean_over_epochs_ms": means,
    }


def run_case(args: argparse.Namespace, preset: str, world: World) -> dict[str, Any]:
    """One preset's schedule, timed and summed."""
    budget = {"target_params": args.target_params, "target_macs": args.target_macs}
    scale = {"epochs": args.epochs, "batch_size": args.batch, "round_to": args.round_to}
    recipe = resolve_recipe("sp_sad", preset, {"data": "noise", **budget, **scale})
    widths = walk(args, recipe, world)
    return {
        "preset": preset,
        "epochs": recipe.epochs,
        "batch": recipe.batch_size,
        "precision": choose_precision(args.precision, world.device).name,
        "rounds": args.rounds,
        "target_params": recipe.target_params,
        "target_macs": recipe.target_macs,
        "round_to": recipe.round_to,
        **summarise(widths, args.rounds),
        "widths": [width.as_dict() for width in widths],
    }


def _noise(size: int, args: argparse.Namespace, world: World) -> Batch:
    images = torch.randn(size, 3, args.image_size, args.image_size, device=world.device)
    targets = torch.randint(args.classes, (size,), device=world.device)
    channels_last = images.contiguous(memory_format=torch.channels_last)
    return Batch((channels_last,), targets, torch.arange(size))


def _stepping(learner: Learner, batch: Batch) -> Action:
    return lambda: learner.step(batch, 0, 0, _LEARNING_RATE)


def _teacher_forward(args: argparse.Namespace, pair: Pair) -> Action:
    network = build_model(args.teacher, num_classes=args.classes).to(pair.world.device)
    lay_out(network)
    teacher = Teacher(network)

    def forward() -> None:
        with pair.precision.autocast():
            teacher.predict(pair.batch.inputs)

    return forward


def show(result: Mapping[str, Any], console: Console) -> None:
    """One table per schedule: its widths, their times and the sums."""
    for case in result["cases"]:
        budget = f"{case['target_params']:g} of the parameters"
        if case["target_macs"] is not None:
            budget += f", {case['target_macs']:g} of the MACs"
        table = Table(
            title=f"{result['student']}, SP-SAD {case['preset']}, to {budget}: "
            f"{case['epochs']} epochs, batch {case['batch']}, {case['precision']}, median ms of "
            f"{case['rounds']} rounds"
        )
        for heading in ("epochs", "params", "MMACs", "shrunk", "masked", "ratio", "masks alone"):
            table.add_column(heading, justify="right")
        for width in case["widths"]:
            table.add_row(*_cells(width))
        console.print(table)
        for line in _verdict(case):
            console.print(line, highlight=False)


def _cells(width: Mapping[str, Any]) -> list[str]:
    times = {name: spread["median"] for name, spread in width["times_ms"].items()}
    ratio = times["shrunk_step"] / times["masked_step"]
    return [
        str(width["epochs"]),
        f"{width['params']:,}",
        f"{width['macs'] / 1e6:.1f}",
        f"{times['shrunk_step']:.1f}",
        f"{times['masked_step']:.1f}",
        f"{ratio:.3f}",
        f"{times['masks_alone']:.1f}",
    ]


def _verdict(case: Mapping[str, Any]) -> list[str]:
    means = case["mean_over_epochs_ms"]
    shown = {name: Spread(**spread).show(digits=1) for name, spread in means.items()}
    verdict = "within" if case["within_limit"] else "OVER"
    return [
        f"mean step over the run, ms, median (quartiles): shrunk {shown['shrunk_step']}, "
        f"masked {shown['masked_step']}, teacher forward {shown['teacher_forward']}",
        f"[bold]student's own steps, shrunk / masked: "
        f"{Spread(**case['own_step_ratio']).show(digits=3)}[/bold], {verdict} {case['limit']}",
        f"whole run with the teacher's forward: {Spread(**case['whole_run_ratio']).show(digits=3)}",
    ]


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--teacher", default="wrn_40_2")
    parser.add_argument("--student", default="wrn_16_2")
    parser.add_argument("--preset", nargs="+", default=["quick", "sound"])
    parser.add_argument("--target-params", type=float, default=0.4)
    parser.add_argument("--target-macs", type=float)
    parser.add_argument("--round-to", type=int, default=16)
    parser.add_argument("--epochs", type=int, help="default: the preset's")
    parser.add_argument("--batch", type=int, help="default: the preset's")
    parser.add_argument("--image-size", type=int, default=32)
    parser.add_argument("--classes", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--precision", choices=("auto", "fp32", "bf16"), default="auto")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    args = parser.parse_args(argv)
    if args.rounds < 2:
        parser.error("--rounds: at least 2, a spread needs them")
    return args


def main(argv: Sequence[str]) -> None:
    """Measure every schedule, print tables and JSON."""
    args = parse(argv)
    torch.set_num_threads(args.threads)
    world = join_world(args.device)
    result: dict[str, Any] = {
        "teacher": args.teacher,
        "student": args.student,
        "image_size": args.image_size,
        "machine": machine(world.device),
        "cases": [run_case(args, preset, world) for preset in args.preset],
    }
    show(result, Console(stderr=True))
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main(sys.argv[1:])
