"""What distillation adds to a training step.

    python examples/benchmarks/sad_step.py > sad_step.json

Times, in one process and in turns, a SAD step (teacher forward, student forward and backward,
attention head, losses, optimiser) against the sum of a teacher forward and a plain cross-entropy
step of the student. Both go through the trainer that `edgeprune compress` uses. The ratio is taken
within each round and its median reported, so a machine that slows down for a while slows all three.
Then the parts that distillation adds are timed alone. Tables go to stderr, JSON to stdout.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor

from edgeprune.data.batch import Batch
from edgeprune.distill.losses import SadLoss
from edgeprune.distill.summary import TapSummary, summarise, summarise_all
from edgeprune.distill.taps import TapRecorder, default_taps
from edgeprune.distill.values import value_distances
from edgeprune.models.registry import build_model
from edgeprune.train.distributed import World, join_world
from edgeprune.train.learner import Learner
from edgeprune.train.learning_rate import LearningRate
from edgeprune.train.memory_layout import lay_out
from edgeprune.train.precision import choose_precision, cpu_gains_from_bf16
from edgeprune.train.settings import FitSettings, LossSettings, OptimiserSettings
from edgeprune.train.teacher import Teacher

Action = Callable[[], object]
ALPHA, BETA, TAU = 0.9, 200.0, 4.0
CLASSES = 100


@dataclass(frozen=True)
class Spread:
    """Median and quartiles of repeated timings or ratios."""

    median: float
    lower_quartile: float
    upper_quartile: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Of at least two values."""
        lower, median, upper = statistics.quantiles(values, n=4, method="inclusive")
        return cls(median, lower, upper)

    def show(self, digits: int) -> str:
        """Median and, in brackets, the quartiles."""
        values = (self.median, self.lower_quartile, self.upper_quartile)
        return "{} ({} to {})".format(*(f"{value:.{digits}f}" for value in values))


class Setup:
    """Teacher, plain student and distilled student on one batch of noise."""

    def __init__(self, args: argparse.Namespace, world: World, batch: int, precision: str) -> None:
        torch.manual_seed(0)
        self.device = world.device
        self.precision = choose_precision(precision, world.device)
        images = torch.randn(batch, 3, args.image_size, args.image_size, device=world.device)
        self.batch = Batch(
            (images.contiguous(memory_format=torch.channels_last),),
            torch.randint(CLASSES, (batch,), device=world.device),
            torch.arange(batch),
        )
        network = build_model(args.teacher, num_classes=CLASSES).to(world.device)
        lay_out(network)
        self.teacher = Teacher(network, default_taps(network, images[:2]))
        self.plain = self._learner(args.student, world, LossSettings())
        self.distilled = self._learner(args.student, world, LossSettings(ALPHA, BETA, TAU))

    def _learner(self, arch: str, world: World, loss: LossSettings) -> Learner:
        student = build_model(arch, num_classes=CLASSES).to(world.device)
        settings = FitSettings(
            stage="benchmark",
            epochs=1,
            batch_size=len(self.batch),
            rate=LearningRate(0.05, "cosine", 1),
            loss=loss,
            optimiser=OptimiserSettings(),
            seed=0,
        )
        inputs = self.batch.inputs
        taps = default_taps(student, inputs)
        learner = Learner(student, taps, self.teacher, settings, world, self.precision, inputs)
        learner.train_mode()
        return learner

    def actions(self) -> dict[str, Action]:
        """The three things that are compared."""
        return {
            "teacher_forward": self._teacher_forward,
            "plain_step": lambda: self.plain.step(self.batch, 0, 0, 1e-3),
            "sad_step": lambda: self.distilled.step(self.batch, 0, 0, 1e-3),
        }

    def parts(self) -> dict[str, Action]:
        """What distillation adds, one part at a time, on features recorded once."""
        head = self.distilled.head
        assert head is not None
        recorder = TapRecorder(self.distilled.student, self.distilled.student_taps)
        of_teacher = TapRecorder(self.teacher.module, self.teacher.taps)
        with self.precision.autocast(), torch.no_grad():
            with of_teacher:
                outputs = self.teacher.predict(self.batch.inputs)
            with recorder:
                self.distilled.student(*self.batch.inputs)
        features = [feature.detach().requires_grad_() for feature in recorder.features]
        teacher = summarise_all(of_teacher.features)
        student = [_as_leaf(summarise(feature)) for feature in features]
        logits = outputs.detach().clone().requires_grad_()
        loss = SadLoss(ALPHA, BETA, TAU)
        return {
            "summarise teacher taps": lambda: summarise_all(of_teacher.features),
            "summarise student taps, both ways": lambda: _backward(
                sum(s.pooled.sum() + _energy(s).sum() for s in map(summarise, features))
            ),
            "attention, both ways": lambda: _backward(head.attention(teacher, student).sum()),
            "distances, both ways": lambda: _backward(value_distances(teacher, student).sum()),
            "CE and KL, both ways": lambda: _backward(
                loss(logits, outputs, self.batch.targets, None).total
            ),
            "optimiser on the head": _optimiser_step(head),
        }

    def _teacher_forward(self) -> None:
        with self.precision.autocast():
            self.teacher.predict(self.batch.inputs)


def _as_leaf(summary: TapSummary) -> TapSummary:
    return TapSummary(
        summary.pooled.detach().requires_grad_(), _energy(summary).detach().requires_grad_()
    )


def _energy(summary: TapSummary) -> Tensor:
    assert summary.energy is not None
    return summary.energy


def _backward(loss: Tensor | int) -> None:
    assert isinstance(loss, Tensor)
    torch.autograd.backward(loss)


def _optimiser_step(head: torch.nn.Module) -> Action:
    parameters = [torch.nn.Parameter(p.detach().clone()) for p in head.parameters()]
    for parameter in parameters:
        parameter.grad = torch.zeros_like(parameter)
    return torch.optim.SGD(parameters, lr=0.05, momentum=0.9, weight_decay=5e-4).step


def measure(actions: Mapping[str, Action], rounds: int, device: torch.device) -> dict[str, Any]:
    """Milliseconds of every action in every round; each round starts with another action."""
    names = list(actions)
    times: dict[str, list[float]] = {name: [] for name in names}
    for number in range(-2, rounds):  # two rounds warm up
        first = number % len(names)
        for name in names[first:] + names[:first]:
            started = _now(device)
            actions[name]()
            if number >= 0:
                times[name].append((_now(device) - started) * 1e3)
    return times


def _now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def compare(setup: Setup, rounds: int) -> dict[str, Any]:
    """The ratio, the three times and the parts."""
    times = measure(setup.actions(), rounds, setup.device)
    ratios = [
        sad / (teacher + plain)
        for teacher, plain, sad in zip(
            times["teacher_forward"], times["plain_step"], times["sad_step"], strict=True
        )
    ]
    parts = measure(setup.parts(), rounds, setup.device)
    return {
        "batch": len(setup.batch),
        "precision": setup.precision.name,
        "rounds": rounds,
        "ratio": asdict(Spread.of(ratios)),
        "time_ms": {name: asdict(Spread.of(values)) for name, values in times.items()},
        "parts_ms": {name: asdict(Spread.of(values)) for name, values in parts.items()},
    }


def machine(device: torch.device) -> dict[str, Any]:
    """Where and with what this ran."""
    cpu = platform.processor()
    info = Path("/proc/cpuinfo")
    if info.exists():
        models = [
            line
            for line in info.read_text(encoding="utf-8").splitlines()
            if line.startswith("model name")
        ]
        cpu = models[0].partition(":")[2].strip() if models else cpu
    is_cuda = device.type == "cuda"
    return {
        "device": torch.cuda.get_device_name(device) if is_cuda else cpu,
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "bf16_in_hardware": torch.cuda.is_bf16_supported() if is_cuda else cpu_gains_from_bf16(),
        "threads": torch.get_num_threads(),
        "load_average_before": os.getloadavg()[0],
        "python": platform.python_version(),
        "torch": torch.__version__,
    }


def show(result: Mapping[str, Any], console: Console) -> None:
    """One table per batch size and precision."""
    for case in result["cases"]:
        title = f"{result['teacher']} -> {result['student']}, batch {case['batch']}"
        table = Table(title=f"{title}, {case['precision']}, {case['rounds']} rounds")
        table.add_column("median (quartiles)")
        table.add_column("ms", justify="right")
        for name, spread in {**case["time_ms"], **case["parts_ms"]}.items():
            times = Spread(**spread).show(digits=1)
            table.add_row(name.replace("_", " "), times, end_section=name == "sad_step")
        table.add_section()
        ratio = Spread(**case["ratio"]).show(digits=3)
        table.add_row("SAD step / (teacher forward + plain step)", ratio, style="bold")
        console.print(table)


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--teacher", default="wrn_40_2")
    parser.add_argument("--student", default="wrn_16_2")
    parser.add_argument("--image-size", type=int, default=32)
    parser.add_argument("--batch", type=int, nargs="+", default=[64, 128])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--precision", nargs="+", choices=("fp32", "bf16"))
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    args = parser.parse_args(argv)
    if args.rounds < 2:
        parser.error("--rounds: at least 2, a spread needs them")
    return args


def main(argv: Sequence[str]) -> None:
    """Measure every case, print tables and JSON."""
    args = parse(argv)
    torch.set_num_threads(args.threads)
    world = join_world(args.device)
    result: dict[str, Any] = {
        "teacher": args.teacher,
        "student": args.student,
        "image_size": args.image_size,
        "machine": machine(world.device),
    }
    precisions = args.precision
    if precisions is None:
        precisions = ["fp32", "bf16"] if result["machine"]["bf16_in_hardware"] else ["fp32"]
    result["cases"] = [
        compare(Setup(args, world, batch, precision), args.rounds)
        for precision in precisions
        for batch in args.batch
    ]
    show(result, Console(stderr=True))
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main(sys.argv[1:])
