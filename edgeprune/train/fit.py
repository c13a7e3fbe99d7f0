"""One training, epoch by epoch, that can be killed at any moment and goes on where it was."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from edgeprune.data.batch import Batch
from edgeprune.data.dataset import Data
from edgeprune.device.power import Window, measure
from edgeprune.distill.losses import LossParts
from edgeprune.errors import TrainingDivergedError
from edgeprune.train.distributed import World
from edgeprune.train.evaluate import metric_on
from edgeprune.train.heap import kept_heap
from edgeprune.train.learner import Learner
from edgeprune.train.precision import Precision
from edgeprune.train.progress import Progress
from edgeprune.train.run_folder import RunFolder
from edgeprune.train.score import Score, score_of
from edgeprune.train.settings import FitSettings

HistoryRow = dict[str, Any]
_CHECK_EVERY = 20  # steps between looks at the running loss, which cost a sync on a GPU
_ENERGY_EVERY_MS = 2000.0
_TAME_RATE = 0.05  # SGD with batch norm trains at this rate; the most that a remedy proposes


class Resumable(Protocol):
    """A network that can be saved whole, widths included, and put back."""

    module: nn.Module

    def snapshot(self) -> dict[str, Any]:
        """Everything `restore` needs, as tensors and plain values."""
        ...

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Become the network of `snapshot`."""
        ...


@dataclass
class FitResult:
    """What a training leaves besides the network: a row per epoch and a record per event."""

    history: list[HistoryRow] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)


BeforeEpoch = Callable[[int, Learner], dict[str, Any] | None]


class Fit:
    """Runs or resumes one training of `network`.

    Args:
        network: trained in place.
        make_learner: builds the learner for the network as it is now.
        before_epoch: called before each epoch with (epoch, learner), for pruning events; what it
            returns is kept as a record.
        describe: extra columns of a history row (sizes).
        begin: called before a training that starts; one that goes on finds in the network's saved
            state what it did.
    """

    def __init__(
        self,
        network: Resumable,
        settings: FitSettings,
        data: Data,
        folder: RunFolder,
        world: World,
        precision: Precision,
        progress: Progress,
        make_learner: Callable[[], Learner],
        before_epoch: BeforeEpoch | None = None,
        describe: Callable[[], dict[str, float]] | None = None,
        begin: Callable[[], None] | None = None,
    ) -> None:
        self.network = network
        self.settings = settings
        self.data = data
        self.folder = folder
        self.world = world
        self.precision = precision
        self.progress = progress
        self._make_learner = make_learner
        self._before_epoch = before_epoch
        self._describe = describe or dict
        self._begin = begin
        self._score = score_of(data)
        self.result = FitResult()

    def run(self) -> FitResult:
        """Train to the end, or return at once what a finished training left."""
        stage = self.settings.stage
        finished = load_shared(self.folder, self.world, f"{stage}.done")
        if finished is not None:
            self._take(finished)
            return self.result
        held = load_shared(self.folder, self.world, stage)
        if held is not None:
            self._take(held)
        elif self._begin is not None:
            self._begin()
        learner = self._make_learner()
        if held is not None:
            learner.load_state(held["learner"])
        with kept_heap():
            self._epochs(learner, 0 if held is None else int(held["epoch"]))
        self._finish()
        return self.result

    def _take(self, held: dict[str, Any]) -> None:
        self.network.restore(held["network"])
        self.result = FitResult(list(held["history"]), list(held["events"]))
        self.progress.replay(self.result.history)

    def _epochs(self, learner: Learner, first: int) -> None:
        for epoch in range(first, self._epochs_begun()):
            ease = self._prune_when_due(epoch, learner)
            with self._energy_window() as window:
                row = self._epoch(learner, epoch, ease)
            row["energy_j"] = window.result.energy_j
            row["energy_scope"] = window.result.scope
            row["energy_reason"] = window.result.reason
            self.result.history.append(row)
            self.progress.epoch(row)
            if epoch + 1 < self._epochs_begun():
                self._save(learner, epoch + 1)

    def _prune_when_due(self, epoch: int, learner: Learner) -> float:
        """The share of this epoch in which the rate is to rise: some after an event, else none."""
        record = None if self._before_epoch is None else self._before_epoch(epoch, learner)
        if record is None:
            return 0.0
        self.result.events.append({"epoch": epoch, **record})
        return self.settings.event_warmup

    def _energy_window(self) -> Window:
        """Of what trains: the GPU's energy on a GPU, the processor's else; a board's on a board."""
        processor = "gpu" if self.world.device.type == "cuda" else "cpu"
        return measure(interval_ms=_ENERGY_EVERY_MS, processor=processor, required=False)

    def _epoch(self, learner: Learner, epoch: int, ease: float) -> HistoryRow:
        started = time.monotonic()
        learner.begin_epoch()
        totals = torch.zeros(6, dtype=torch.float64, device=self.world.device)
        rate = 0.0
        steps = self._steps(epoch)
        for number, batch in enumerate(self._batches(epoch, steps)):
            rate = self.settings.rate.at(epoch + number / steps)
            rate *= min(1.0, (number + 1) / max(ease * steps, 1.0))
            parts, outputs = learner.step(batch, epoch, number, rate)
            totals += _sums(parts, self._score, outputs, batch)
            self.progress.step(self.settings.stage, epoch, self._epochs_begun(), number, steps)
            if number % _CHECK_EVERY == 0 or number + 1 == steps:
                self._check_finite(float(totals[0]), epoch, rate)
        self.world.average_buffers(self.network.module)
        self._check_weights(epoch, rate)
        loss, task, kl, afd, scored, seen = self.world.sum(totals).tolist()
        return {
            "stage": self.settings.stage,
            "epoch": epoch,
            "lr": rate,
            "loss": loss / seen,
            "ce": task / seen,
            "kl": kl / seen,
            "afd": afd / seen,
            **self._judged(scored / seen),
            f"val_{self._score.name}": self._validate(),
            **self._describe(),
            "passes": steps / self._steps_per_epoch,
            "seconds": time.monotonic() - started,
        }

    def _judged(self, mean: float) -> dict[str, float]:
        """The metric on the training batches, where such batches can be judged."""
        score = self._score
        return {f"train_{score.name}": score.factor * mean} if score.of_training else {}

    def _batches(self, epoch: int, steps: int) -> Iterator[Batch]:
        settings = self.settings
        batches = self.data.train_batches(
            epoch=epoch,
            batch_size=settings.batch_size,
            seed=settings.seed,
            rank=self.world.rank,
            world_size=self.world.size,
        )
        for batch in itertools.islice(batches, steps):
            yield batch.to(self.world.device)

    @property
    def _steps_per_epoch(self) -> int:
        return self.data.num_batches(self.settings.batch_size, self.world.size)

    def _steps(self, epoch: int) -> int:
        whole = self._steps_per_epoch
        total = self.settings.steps
        return whole if total is None else min(whole, total - epoch * whole)

    def _epochs_begun(self) -> int:
        """Epochs of which at least one step is taken."""
        total = self.settings.steps
        return self.settings.epochs if total is None else math.ceil(total / self._steps_per_epoch)

    def _validate(self) -> float:
        return metric_on(self.network.module, self.data, "val", self.world, self.precision)

    def _check_finite(self, total: float, epoch: int, rate: float) -> None:
        if not math.isfinite(total):
            raise self._diverged(f"the loss became {total}", epoch, rate)

    def _check_weights(self, epoch: int, rate: float) -> None:
        """The loss of a step is computed before the step; the last one shows in the weights."""
        tensors = [t for t in self.network.module.state_dict().values() if t.is_floating_point()]
        if not bool(torch.stack([tensor.isfinite().all() for tensor in tensors]).all()):
            raise self._diverged("the weights stopped being numbers", epoch, rate)

    def _diverged(self, what: str, epoch: int, rate: float) -> TrainingDivergedError:
        peak = self.settings.rate.peak
        calmer = min(peak / 5, _TAME_RATE)
        return TrainingDivergedError(
            f"{what} in epoch {epoch + 1} of stage {self.settings.stage} at lr={rate:.4g} (its "
            f"peak is {peak:.4g}): lower the setting lr, for example to {calmer:.2g}, or train "
            "with precision=fp32"
        )

    def _save(self, learner: Learner, epoch: int) -> None:
        # Every process builds the optimiser's state, one writes it.
        payload = {"epoch": epoch, "learner": learner.state(), **self._outcome()}
        if self.world.is_main:
            self.folder.save(self.settings.stage, payload)

    def _finish(self) -> None:
        if self.world.is_main:
            self.folder.save(f"{self.settings.stage}.done", self._outcome())
            self.folder.discard(self.settings.stage)

    def _outcome(self) -> dict[str, Any]:
        return {
            "network": self.network.snapshot(),
            "history": self.result.history,
            "events": self.result.events,
        }


def load_shared(folder: RunFolder, world: World, name: str) -> dict[str, Any] | None:
    """State that the main process finds, in every process: all of them go on from the same."""
    held: dict[str, Any] | None = world.broadcast(folder.load(name) if world.is_main else None)
    return held


def _sums(loss: LossParts, score: Score, outputs: Tensor, batch: Batch) -> Tensor:
    """Loss parts times the batch size, summed scores and batch size, in float64 on the device."""
    size = len(batch.targets)
    scored = loss.total.new_zeros(())
    if score.of_training:
        scored = score.per_sample(score.answers(outputs.detach(), batch), batch.targets).sum()
    parts = [part.detach().double() * size for part in (loss.total, loss.task, loss.kl, loss.afd)]
    return torch.stack([*parts, scored.double(), torch.full_like(parts[0], size)])
