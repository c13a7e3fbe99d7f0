"""The SAD loss against its definition."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeprune.distill import SadLoss
from edgeprune.errors import UserInputError


@settings(max_examples=25, deadline=None)
@given(
    alpha=st.floats(0, 2), beta=st.floats(0, 300), tau=st.floats(0.5, 8), seed=st.integers(0, 999)
)
def test_is_the_weighted_sum_of_its_parts(alpha: float, beta: float, tau: float, seed: int) -> None:
    torch.manual_seed(seed)
    student, teacher = torch.randn(2, 4, 5, dtype=torch.float64).unbind()
    targets, afd = torch.randint(5, (4,)), torch.rand((), dtype=torch.float64)
    parts = SadLoss(alpha, beta, tau)(student, teacher, targets, afd)
    kl = 0.0
    for row in range(4):
        p_t, p_s = (teacher[row] / tau).softmax(0), (student[row] / tau).softmax(0)
        kl += sum(float(p_t[c] * (p_t[c].log() - p_s[c].log())) for c in range(5)) / 4
    task = -sum(float(student[i].log_softmax(0)[targets[i]]) for i in range(4)) / 4
    assert math.isclose(parts.task.item(), task, rel_tol=1e-9)
    assert math.isclose(parts.kl.item(), kl * tau**2, rel_tol=1e-9, abs_tol=1e-12)
    assert math.isclose(
        parts.total.item(), task + alpha * kl * tau**2 + beta * afd.item(), rel_tol=1e-9
    )


def test_the_teacher_gets_no_gradient_and_afd_does() -> None:
    student, teacher = torch.randn(2, 3, 4).unbind()
    student.requires_grad_()
    teacher.requires_grad_()
    afd = torch.tensor(0.5, requires_grad=True)
    parts = SadLoss(0.9, 200.0, 4.0)(student, teacher, torch.tensor([0, 1, 2]), afd)
    parts.total.backward()
    assert teacher.grad is None
    assert student.grad is not None
    assert afd.grad is not None
    assert afd.grad.item() == 200.0
    assert not any(part.requires_grad for part in (parts.task, parts.kl, parts.afd))


def test_without_a_teacher_it_is_the_task() -> None:
    student, targets = torch.randn(3, 4), torch.tensor([0, 1, 2])
    parts = SadLoss(0.9, 200.0, 4.0)(student, None, targets, None)
    assert torch.equal(parts.total, torch.nn.functional.cross_entropy(student, targets))
    assert parts.kl.item() == parts.afd.item() == 0.0


def test_half_precision_outputs_give_a_float32_loss() -> None:
    torch.manual_seed(0)
    student, teacher = (torch.randn(2, 8, 10) * 20).bfloat16().unbind()
    targets = torch.arange(8)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        parts = SadLoss(0.9, 0.0, 4.0)(student, teacher, targets, None)
    exact = SadLoss(0.9, 0.0, 4.0)(student.double(), teacher.double(), targets, None)
    assert parts.total.dtype == torch.float32
    assert math.isclose(parts.total.item(), exact.total.item(), rel_tol=1e-5)


def test_regression_is_mean_squared_error_of_equal_shapes() -> None:
    student = torch.tensor([[1.0], [2.0], [4.0]], requires_grad=True)
    teacher = torch.tensor([[1.0], [1.0], [1.0]])
    targets = torch.tensor([0.0, 2.0, 2.0])
    parts = SadLoss(0.5, 10.0, 4.0, task="regression")(student, teacher, targets, torch.tensor(0.1))
    assert math.isclose(parts.task.item(), 5 / 3, rel_tol=1e-6)
    assert math.isclose(parts.kl.item(), 10 / 3, rel_tol=1e-6)
    assert math.isclose(parts.total.item(), 5 / 3 + 0.5 * 10 / 3 + 1.0, rel_tol=1e-6)


@pytest.mark.parametrize(
    ("task", "student", "teacher", "targets", "message"),
    [
        ("classification", (3, 4), (3, 5), (3,), "same outputs"),
        ("classification", (3, 4, 2, 2), None, (3,), "one row of class scores"),
        ("regression", (3, 2), None, (3,), "one value per target"),
    ],
)
def test_refuses_outputs_that_do_not_fit(
    task: str,
    student: tuple[int, ...],
    teacher: tuple[int, ...] | None,
    targets: tuple[int, ...],
    message: str,
) -> None:
    loss = SadLoss(0.9, 200.0, 4.0, task=task)  # type: ignore[arg-type]
    answers = None if teacher is None else torch.zeros(teacher)
    dtype = torch.long if task == "classification" else torch.float32
    with pytest.raises(UserInputError, match=message):
        loss(torch.zeros(student), answers, torch.zeros(targets, dtype=dtype), None)


def test_refuses_settings_that_cannot_train() -> None:
    with pytest.raises(UserInputError, match="positive temperature"):
        SadLoss(0.9, 200.0, 0.0)
    with pytest.raises(UserInputError, match="classification, regression, ranking"):
        SadLoss(0.9, 200.0, 4.0, task="sorting")  # type: ignore[arg-type]


def test_a_ranking_is_judged_pair_by_pair_and_follows_logits() -> None:
    student, teacher = torch.tensor([[2.0], [-1.0], [0.5]]), torch.tensor([[1.0], [0.0], [0.5]])
    targets = torch.tensor([1.0, 0.0, 0.0])
    parts = SadLoss(0.5, 0.0, 4.0, task="ranking")(student, teacher, targets, None)
    p = torch.sigmoid(student[:, 0])
    expected = -(p[0].log() + (1 - p[1]).log() + (1 - p[2]).log()) / 3
    assert torch.allclose(parts.task, expected)
    assert torch.allclose(parts.kl, torch.tensor(2.0 / 3))
    assert torch.allclose(parts.total, expected + 1.0 / 3)


def test_a_users_own_loss_replaces_the_task() -> None:
    student, targets = torch.randn(3, 4), torch.tensor([0, 1, 2])
    smooth = torch.nn.CrossEntropyLoss(label_smoothing=0.1)
    parts = SadLoss(0.5, 0.0, 4.0, task_loss=smooth)(student, -student, targets, None)
    assert torch.equal(parts.task, smooth(student, targets))
    assert torch.equal(parts.total, parts.task + 0.5 * parts.kl)
