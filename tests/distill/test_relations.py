"""The distance of vector taps against its definition, rows of the batch and all."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from edgeprune.distill.relations import relation_distances


def _rows(vectors: Tensor) -> Tensor:
    relations = (vectors @ vectors.T).fill_diagonal_(0.0)
    return relations / torch.linalg.vector_norm(relations, dim=1, keepdim=True).clamp_min(1e-12)


def _plain(teacher: list[Tensor], student: list[Tensor]) -> Tensor:
    pairs = [[(_rows(s) - _rows(t)).square().sum(1) for s in student] for t in teacher]
    return torch.stack([torch.stack(row, 1) for row in pairs], 1) / (len(student[0]) - 1)


@pytest.mark.parametrize("batch", [2, 33, 600])
def test_distances_and_gradients_are_those_of_the_definition(batch: int) -> None:
    torch.manual_seed(batch)
    teacher = [torch.randn(batch, 8).relu() + 0.01, torch.randn(batch, 5)]
    student = [torch.randn(batch, 6, requires_grad=True), torch.rand(batch, 3, requires_grad=True)]
    found, expected = relation_distances(teacher, student), _plain(teacher, student)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5 / batch)
    weights = torch.randn_like(expected)
    ours, theirs = (
        torch.autograd.grad((distances * weights).sum(), student) for distances in (found, expected)
    )
    for mine, plain in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, plain, rtol=1e-2, atol=2e-4)


@pytest.mark.parametrize("batch", [4, 600])
def test_empty_rows_are_far_from_others_and_near_each_other(batch: int) -> None:
    dead = torch.zeros(batch, 3)
    alone = torch.zeros(batch, batch).fill_diagonal_(5.0)  # related to nothing but itself
    alive = torch.rand(batch, 3) + 0.1
    student = dead.clone().requires_grad_()
    found = relation_distances([dead, alone, alive], [student])
    torch.testing.assert_close(found[:, :2], torch.zeros(batch, 2, 1))
    torch.testing.assert_close(found[:, 2, 0], torch.full((batch,), 1 / (batch - 1)))
    (gradient,) = torch.autograd.grad(found.sum(), student)
    assert gradient.isfinite().all()
