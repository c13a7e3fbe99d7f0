"""A student in training: the network, its SAD head, the optimiser, and how one step goes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from edgeprune.data.batch import Batch
from edgeprune.data.randomness import keyed_generator
from edgeprune.distill.head import AttentionHead
from edgeprune.distill.losses import LossParts, SadLoss, Task, TaskLoss
from edgeprune.distill.summary import TapSummary
from edgeprune.distill.taps import TapRecorder, tap_shapes
from edgeprune.models.modes import evaluating
from edgeprune.train.compiling import compiled
from edgeprune.train.distributed import World
from edgeprune.train.memory_layout import in_layout, lay_out, sheltered
from edgeprune.train.precision import Precision
from edgeprune.train.settings import FitSettings
from edgeprune.train.teacher import Teacher


class StudentForward(nn.Module):
    """Student, head and extras as one module: one forward, one set of parameters to reduce."""

    def __init__(
        self,
        student: nn.Module,
        recorder: TapRecorder | None,
        head: AttentionHead | None,
        extra: nn.Module | None,
    ) -> None:
        super().__init__()
        self.student = student
        self.head = head
        self.extra = extra
        self._recorder = recorder

    def forward(
        self, inputs: tuple[Tensor, ...], teacher_features: list[TapSummary]
    ) -> tuple[Tensor, Tensor | None]:
        """Student outputs and the AFD loss (None without a head)."""
        if self.head is None or self._recorder is None:
            with sheltered(self.student):
                return self.student(*inputs), None
        with sheltered(self.student), self._recorder:
            outputs = self.student(*inputs)
        return outputs, self.head(teacher_features, self._recorder.features)


class Learner:
    """Trains one student; survives surgery between steps.

    Args:
        example: a few real inputs, which show the head the shapes of the taps.
        task_loss: `loss(outputs, targets)` in place of cross-entropy.
        extra: parameters beside the student's and the head's, trained without weight decay; their
            values are saved by their owner.

    Attributes:
        freeze_statistics: whether the student's batch norms use, and keep, the statistics that
            they have.
    """

    def __init__(
        self,
        student: nn.Module,
        student_taps: Sequence[str],
        teacher: Teacher | None,
        settings: FitSettings,
        world: World,
        precision: Precision,
        example: tuple[Tensor, ...],
        task: Task = "classification",
        task_loss: TaskLoss | None = None,
        extra: nn.Module | None = None,
    ) -> None:
        self.student = student.to(world.device)
        lay_out(self.student)
        self.student_taps = tuple(student_taps)
        self.teacher = teacher
        self.settings = settings
        self.world = world
        self.precision = precision
        self.after_step: Callable[[], None] | None = None
        self.freeze_statistics = False
        uses_head = settings.loss.beta > 0
        self._recorder = TapRecorder(self.student, self.student_taps) if uses_head else None
        self.head = self._make_head(example) if uses_head else None
        self._loss = SadLoss(
            settings.loss.alpha, settings.loss.beta, settings.loss.tau, task, task_loss
        )
        self.optimizer = self._make_optimizer(extra)
        self.scaler = precision.scaler()
        self._together = StudentForward(self.student, self._recorder, self.head, extra)
        self._leaves_some_out = world.is_distributed and self._has_unused_parameters(example)
        self._wrap()

    def step(self, batch: Batch, epoch: int, number: int, rate: float) -> tuple[LossParts, Tensor]:
        """One optimiser step; returns the loss parts and the student's outputs.

        Dropout draws from (seed, epoch, step, rank), whatever happened before.
        """
        self._seed_step(epoch, number)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.zero_grad(set_to_none=True)
        parts, outputs = self.loss(batch)
        torch.autograd.backward(self.scaler.scale(parts.total))
        self.scaler.step(self.optimizer)
        self.scaler.update()
        if self.after_step is not None:
            self.after_step()
        return parts, outputs

    def loss(self, batch: Batch) -> tuple[LossParts, Tensor]:
        """The loss of one batch, ready for `backward`."""
        with self.precision.autocast():
            teacher_outputs, teacher_features = self._ask_teacher(batch)
            outputs, afd = self._forward(in_layout(batch.inputs), teacher_features)
        return self._loss(outputs, teacher_outputs, batch.targets, afd), outputs

    def judge(self, batch: Batch, teacher_outputs: Tensor | None) -> LossParts:
        """The loss but for the attention head's part, of a student in whatever mode it is."""
        with self.precision.autocast():
            outputs = self.student(*in_layout(batch.inputs))
        return self._loss(outputs, teacher_outputs, batch.targets, None)

    def alone(self, student: nn.Module, settings: FitSettings) -> Learner:
        """A learner of another student, under the same teacher, that no other process follows.

        Args:
            settings: its own; without an attention head (`beta` 0).
        """
        assert settings.loss.beta == 0, "a head needs examples"
        world = World(0, 1, self.world.device)
        loss = self._loss
        return Learner(
            student,
            (),
            self.teacher,
            settings,
            world,
            self.precision,
            (),
            loss.task,
            loss.task_loss,
        )

    def gradients(self, batches: Sequence[Batch]) -> list[dict[str, Tensor]]:
        """Gradient of the loss of each batch, by parameter name; changes no state."""
        self._wrap()
        found = []
        with evaluating(self._together):
            for batch in batches:
                self.optimizer.zero_grad(set_to_none=True)
                torch.autograd.backward(self.loss(batch)[0].total)
                found.append(
                    {
                        name: parameter.grad.detach().clone()
                        for name, parameter in self.student.named_parameters()
                        if parameter.grad is not None
                    }
                )
        self.optimizer.zero_grad(set_to_none=True)
        return found

    def after_surgery(self, tap_keep: Mapping[int, Tensor]) -> None:
        """Follow a surgery on the student: slice the head's keys with their optimiser state.

        Args:
            tap_keep: for each student tap whose width changed, the kept channels.
        """
        if self.head is not None:
            for tap, keep in tap_keep.items():
                self._shrink_key(tap, keep)
        lay_out(self.student)
        self._wrap()

    def state(self) -> dict[str, Any]:
        """Head, optimiser and scaler; the student's own weights are saved by its owner."""
        return {
            "head": None if self.head is None else self.head.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
        }

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Continue from `state()`, on a student of the same widths."""
        if self.head is not None:
            self.head.load_state_dict(state["head"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scaler.load_state_dict(state["scaler"])

    def begin_epoch(self) -> None:
        """Training mode, and gradients summed in the order in which a resumed run sums them.

        DistributedDataParallel arranges gradients anew after its first step, and three processes
        or more add up in an order that depends on the arrangement.
        """
        self._wrap()
        self.train_mode()

    def train_mode(self) -> None:
        """Put student and head in training mode."""
        self._together.train()
        if self.freeze_statistics:
            for module in self.student.modules():
                if isinstance(module, nn.modules.batchnorm._BatchNorm):
                    module.eval()

    def _wrap(self) -> None:
        forward = self.world.in_parallel(self._together, self._leaves_some_out)
        self._forward: Callable[..., Any] = compiled(forward) if self.settings.compile else forward

    def _has_unused_parameters(self, example: tuple[Tensor, ...]) -> bool:
        trained = [p for p in self.student.parameters() if p.requires_grad]
        with evaluating(self.student), sheltered(self.student):
            outputs = self.student(*in_layout(example))
        found = torch.autograd.grad(outputs.sum(), trained, allow_unused=True)
        return any(gradient is None for gradient in found)

    def _ask_teacher(self, batch: Batch) -> tuple[Tensor | None, list[TapSummary]]:
        if self.teacher is None or not self.settings.loss.uses_teacher:
            return None, []
        if self.head is None:
            return self.teacher.answers(batch.inputs), []
        return self.teacher(batch.inputs)

    def _make_head(self, inputs: tuple[Tensor, ...]) -> AttentionHead:
        assert self.teacher is not None
        student_shapes = tap_shapes(self.student, self.student_taps, inputs)
        teacher_shapes = tap_shapes(self.teacher.module, self.teacher.taps, inputs)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self._seed("head"))
            head = AttentionHead(teacher_shapes, student_shapes, self.settings.loss.head_dim)
        return head.to(self.world.device)

    def _make_optimizer(self, extra: nn.Module | None) -> torch.optim.Optimizer:
        settings = self.settings.optimiser
        parameters = [p for p in self.student.parameters() if p.requires_grad]
        if self.head is not None:
            parameters += list(self.head.parameters())
        groups: list[dict[str, Any]] = [{"params": parameters}]
        if extra is not None:
            groups.append({"params": list(extra.parameters()), "weight_decay": 0.0})
        rate = self.settings.rate.peak
        if settings.kind == "adam":
            return torch.optim.Adam(groups, lr=rate, weight_decay=settings.weight_decay, fused=True)
        return torch.optim.SGD(
            groups,
            lr=rate,
            momentum=settings.momentum,
            weight_decay=settings.weight_decay,
            nesterov=settings.nesterov,
        )

    def _shrink_key(self, tap: int, keep: Tensor) -> None:
        assert self.head is not None
        name = f"key_layers.{tap}.weight"
        old = self.head.get_parameter(name)
        self.head.shrink_key(tap, keep)
        new = self.head.get_parameter(name)
        state = self.optimizer.state.pop(old, {})
        if state:
            self.optimizer.state[new] = {
                key: value.index_select(1, keep.to(value.device))
                if isinstance(value, Tensor) and value.shape == old.shape
                else value
                for key, value in state.items()
            }
        for group in self.optimizer.param_groups:
            group["params"] = [new if p is old else p for p in group["params"]]

    def _seed_step(self, epoch: int, number: int) -> None:
        torch.manual_seed(self._seed("step", epoch, number, self.world.rank))

    def _seed(self, *key: int | str) -> int:
        return keyed_generator(self.settings.seed, self.settings.stage, *key).initial_seed()
