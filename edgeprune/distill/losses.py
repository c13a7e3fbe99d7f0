"""The SAD loss: the task, the teacher's answers, and the attention head's AFD.

Source: Rajaram et al., arXiv 2401.10484 ("the paper"); Hinton et al., arXiv 1503.02531 (KL with a
temperature).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import torch.nn.functional as F
from torch import Tensor

from edgeprune.distill.summary import working_dtype
from edgeprune.errors import UserInputError

Task = Literal["classification", "regression", "ranking"]
TaskLoss = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class LossParts:
    """One batch's loss and what it is made of, all scalars.

    Attributes:
        total: task + α·kl + β·afd; carries the gradient.
        task: cross-entropy (of a ranking that of each pair), or mean squared error to the targets.
        kl: τ²·KL to the teacher, or mean squared error to its answers; 0 without a teacher.
        afd: attention-weighted feature distance; 0 without an attention head.
    """

    total: Tensor
    task: Tensor
    kl: Tensor
    afd: Tensor


@dataclass(frozen=True)
class SadLoss:
    """L = CE + α·τ²·KL_τ + β·AFD, or MSE + α·MSE(student, teacher) + β·AFD for regression.

    A ranking's is BCE + α·MSE(student, teacher) + β·AFD, on logits.

    Computed in float32 (float64 for float64 outputs), under autocast too.

    Args:
        alpha: weight of the teacher's answers.
        beta: weight of AFD; about 200, because AFD is a mean over positions.
        tau: temperature.
        task: "classification", "regression" or "ranking".
        task_loss: `loss(outputs, targets) -> scalar` in place of the task's own.
    """

    alpha: float
    beta: float
    tau: float
    task: Task = "classification"
    task_loss: TaskLoss | None = None

    def __post_init__(self) -> None:
        """Refuse settings that no training can use."""
        if self.tau <= 0:
            raise UserInputError(f"tau is {self.tau}: use a positive temperature such as 4")
        if self.task not in get_args(Task):
            raise UserInputError(f"task '{self.task}': use {', '.join(get_args(Task))}")

    def __call__(
        self,
        student_out: Tensor,
        teacher_out: Tensor | None,
        targets: Tensor,
        afd: Tensor | None,
    ) -> LossParts:
        """The loss of one batch.

        Args:
            student_out: (B, classes) logits, or (B,) or (B, 1) predictions.
            teacher_out: the same of the teacher, or None for the task alone.
            targets: (B,) class indices or values.
            afd: what the attention head returned, or None.

        Raises:
            UserInputError: outputs of teacher, student and targets do not fit each other.
        """
        student = student_out.to(working_dtype(student_out.dtype))
        task = self._task(student, targets)
        kl = afd_part = student.new_zeros(())
        total = task
        if teacher_out is not None:
            kl = self._answers(student, teacher_out.detach().to(student.dtype))
            total = total + self.alpha * kl
        if afd is not None:
            afd_part = afd.to(student.dtype)
            total = total + self.beta * afd_part
        return LossParts(total, task.detach(), kl.detach(), afd_part.detach())

    def _task(self, student: Tensor, targets: Tensor) -> Tensor:
        if self.task_loss is not None:
            return self.task_loss(student, targets)
        if self.task == "classification":
            if student.ndim != 2:
                raise UserInputError(
                    f"the network answers {tuple(student.shape)}: a classifier gives one row of "
                    "class scores per sample; set task: regression for values"
                )
            return F.cross_entropy(student, targets)
        if student.numel() != targets.numel():
            raise UserInputError(
                f"the network answers {tuple(student.shape)} for targets {tuple(targets.shape)}: "
                f"a {self.task} network gives one value per target"
            )
        loss = F.mse_loss if self.task == "regression" else F.binary_cross_entropy_with_logits
        return loss(student.reshape(targets.shape), targets.to(student.dtype))

    def _answers(self, student: Tensor, teacher: Tensor) -> Tensor:
        if student.shape != teacher.shape:
            raise UserInputError(
                f"the student answers {tuple(student.shape)} and the teacher "
                f"{tuple(teacher.shape)}: both need the same outputs, in the same order"
            )
        if self.task != "classification":
            return F.mse_loss(student, teacher)
        log_student = F.log_softmax(student / self.tau, dim=-1)
        log_teacher = F.log_softmax(teacher / self.tau, dim=-1)
        divergence = F.kl_div(log_student, log_teacher, reduction="batchmean", log_target=True)
        return divergence * self.tau**2
