"""What the methods are written in: the original student, trainings and pruning events."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn

from edgeprune.data.dataset import Data
from edgeprune.distill.losses import TaskLoss
from edgeprune.methods import training as trainings
from edgeprune.methods.measured.budget import MeasuredBudget
from edgeprune.methods.pruner import Pruner
from edgeprune.methods.student import Student
from edgeprune.methods.training import Training
from edgeprune.recipe import Recipe
from edgeprune.train.distributed import World
from edgeprune.train.fit import BeforeEpoch, Fit, load_shared
from edgeprune.train.learner import Learner
from edgeprune.train.precision import Precision
from edgeprune.train.progress import Progress
from edgeprune.train.run_folder import RunFolder
from edgeprune.train.settings import FitSettings, LossSettings
from edgeprune.train.teacher import Teacher
from edgeprune.wording import counted

_PROBE_BATCH = 2  # samples that show the head which shapes the taps have


class Run:
    """One run of one method.

    Args:
        build: makes the original student, with the same weights every time.
        student_taps: module paths of the student that the attention head reads.
        task_loss: `loss(outputs, targets)` in place of cross-entropy.
        measured: budgets in milliseconds or millijoules.

    Attributes:
        start: original-size weights that the delivered network started from; controls reuse them.
        events: a record per pruning event, in order.
        history: a row per epoch of every training, in order.
    """

    def __init__(
        self,
        recipe: Recipe,
        data: Data,
        teacher: Teacher,
        build: Callable[[], nn.Module],
        student_taps: tuple[str, ...],
        folder: RunFolder,
        world: World,
        precision: Precision,
        progress: Progress,
        task_loss: TaskLoss | None = None,
        measured: MeasuredBudget | None = None,
    ) -> None:
        self.recipe = recipe
        self.data = data
        self.teacher = teacher
        self.build = build
        self.student_taps = student_taps
        self.folder = folder
        self.world = world
        self.precision = precision
        self.progress = progress
        self.task_loss = task_loss
        self.events: list[dict[str, Any]] = []
        self.history: list[dict[str, Any]] = []
        self.start: dict[str, Tensor] = {}
        self.pruner = Pruner(recipe, data, world, build, student_taps, measured)

    def original_student(self) -> Student:
        """The student before anything is removed."""
        student = Student(self.build)
        student.module.to(self.world.device)
        if not self.start:
            self.start = student.weights()
        return student

    def sad_loss(self) -> LossSettings:
        """The recipe's SAD loss."""
        return trainings.sad_loss(self.recipe)

    def plain_loss(self) -> LossSettings:
        """The task loss alone."""
        return trainings.plain_loss()

    def final_training(self) -> Training:
        """The training of the delivered network."""
        return trainings.final_training(self.recipe)

    def warm_training(self) -> Training:
        """The training of the original student before SP-SAD's own."""
        return trainings.warm_training(self.recipe)

    def sparse_training(self) -> Training:
        """The training that follows the projection onto the 2:4 pattern."""
        return trainings.sparse_training(self.recipe)

    def qat_training(self) -> Training:
        """The training with fake quantisation."""
        return trainings.qat_training(self.recipe)

    def search_training(self, loss: LossSettings) -> Training:
        """One lottery round under `loss`."""
        return trainings.search_training(self.recipe, loss)

    def early_training(self, training: Training) -> Training:
        """The training that leads to θ_k, where `training` is that of a round."""
        steps_per_epoch = self.data.num_batches(self.recipe.batch_size)
        return trainings.early_training(self.recipe, training, steps_per_epoch)

    def train(
        self,
        student: Student,
        stage: str,
        training: Training,
        before_epoch: BeforeEpoch | None = None,
        begin: Callable[[], None] | None = None,
    ) -> None:
        """Train `student` in place, or take over what a finished training of this name left.

        Args:
            before_epoch: see `Fit`.
            begin: what changes the student once, before the first step; see `Fit`.
        """
        settings = training.fit_settings(stage, self.recipe)
        fit = Fit(
            network=student,
            settings=settings,
            data=self.data,
            folder=self.folder,
            world=self.world,
            precision=self.precision,
            progress=self.progress,
            make_learner=lambda: self.learner(student, settings),
            before_epoch=before_epoch,
            describe=lambda: self.pruner.sizes(student),
            begin=begin,
        )
        result = fit.run()
        self.history += result.history
        self.events += result.events

    def prune(self, student: Student, progress: float, learner: Learner) -> dict[str, Any]:
        """Remove from a student in training until `progress` of the way to the target."""
        record = self.pruner.prune(student, progress, learner)
        self.progress.note(_describe(record))
        return record

    def prune_between(
        self, student: Student, stage: str, progress: float, training: Training
    ) -> None:
        """Remove from a student between two trainings, scored on its trained weights."""
        held = load_shared(self.folder, self.world, f"{stage}.done")
        if held is None:
            learner = self.learner(student, training.fit_settings(stage, self.recipe))
            held = self._keep(student, stage, self.prune(student, progress, learner))
        else:
            student.restore(held["network"])
        self.events.append({"stage": stage, **held["record"]})

    def refill(self, student: Student, weights: Mapping[str, Tensor]) -> None:
        """Turn a weight ticket into a channel ticket, or take over what an earlier start made."""
        held = load_shared(self.folder, self.world, "refill.done")
        if held is None:
            record = self.pruner.refill(student, weights)
            self.progress.note(_describe(record))
            held = self._keep(student, "refill", record)
        else:
            student.restore(held["network"])
        self.events.append({"stage": "refill", **held["record"]})

    def learner(self, student: Student, settings: FitSettings) -> Learner:
        """A learner for the student as it is now; what is held is held after each of its steps."""
        probe = tuple(
            tensor.to(self.world.device) for tensor in self.data.example_inputs(_PROBE_BATCH)
        )
        learner = Learner(
            student.module,
            self.student_taps,
            self.teacher,
            settings,
            self.world,
            self.precision,
            probe,
            self.data.task,
            self.task_loss,
            extra=student.fake,
        )
        learner.after_step = lambda: student.hold(learner.optimizer)
        return learner

    def _keep(self, student: Student, stage: str, record: dict[str, Any]) -> dict[str, Any]:
        """Save what a removal between trainings left, so that it is never done twice."""
        held = {"network": student.snapshot(), "record": record}
        if self.world.is_main:
            self.folder.save(f"{stage}.done", held)
        return held


def _describe(record: dict[str, Any]) -> str:
    if "params" not in record:
        return f"{'':>10}  masked {record['mask_sparsity']:.1%} of the weights"
    removed = sum(record["removed"].values())
    left = f"{record['params']:,} params, {record['macs']:,.0f} MACs left"
    if not removed:
        return f"{'':>10}  nothing more to remove: {left}"
    proof = record.get("equivalence")
    error = proof["max_rel_error"] if proof else None
    # Where only groups behind a norm over channels lost any, no exactness is claimed.
    exact = "" if error is None else f", removal exact to {error:.1e}"
    return f"{'':>10}  removed {counted(removed, 'channel')}: {left}{exact}"
