"""The formulas of the AFD loss written out one term at a time, to hold the fast head against."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edgeprune.distill.head import AttentionHead

LiteralAfd = Callable[[AttentionHead, Sequence[Tensor], Sequence[Tensor]], Tensor]


@pytest.fixture
def literal_afd() -> LiteralAfd:
    """Compute AFD from a head's parameters, in its present mode; its statistics stay."""
    return _afd


def _afd(head: AttentionHead, teacher: Sequence[Tensor], student: Sequence[Tensor]) -> Tensor:
    d, n_t, n_s = head.dim, len(teacher), len(student)
    batch = len(student[0])
    teacher = [f.detach() for f in teacher]
    queries = [
        _norm(head.query_norm, t, d, head.query_layers[t](_pooled(teacher[t]))) for t in range(n_t)
    ]
    keys = [
        F.relu(_norm(head.key_norm, s, d, head.key_layers[s](_pooled(student[s]))))
        for s in range(n_s)
    ]
    rows = torch.cat(keys)  # the B·N_s samples
    loss = rows.new_zeros(())
    for t in range(n_t):
        weight, bias = (
            head.bilinear.weight[t * d : (t + 1) * d],
            head.bilinear.bias[t * d : (t + 1) * d],
        )
        mapped = _norm(head.bilinear_norm, t, d, rows @ weight.T + bias).split(batch)
        allowed = [s for s in range(n_s) if student[s].ndim == teacher[t].ndim]
        logits = torch.stack(
            [
                (
                    (mapped[s] * queries[t]).sum(1)
                    + head.teacher_position[t] @ head.student_position[s]
                )
                / math.sqrt(d)
                for s in allowed
            ],
            dim=1,
        )
        attention = logits.softmax(dim=1)
        for column, s in enumerate(allowed):
            difference = _student_value(student[s], teacher[t]) - _value(teacher[t])
            loss = loss + (attention[:, column] * difference.square().mean(1)).mean()
    return loss


def _norm(layer: nn.BatchNorm1d, part: int, d: int, x: Tensor) -> Tensor:
    own = slice(part * d, (part + 1) * d)
    mean, var = (
        (None, None) if layer.training else (layer.running_mean[own], layer.running_var[own])
    )
    return F.batch_norm(x, mean, var, layer.weight[own], layer.bias[own], layer.training)


def _pooled(f: Tensor) -> Tensor:
    return {2: lambda: f, 3: lambda: f.mean(1), 4: lambda: f.mean((2, 3))}[f.ndim]()


def _energy(f: Tensor) -> Tensor:
    return f.square().mean(1 if f.ndim == 4 else 2)


def _relation(f: Tensor) -> Tensor:
    """Rows of inner products; one of zeros has no direction, and so no gradient."""
    others = ~torch.eye(len(f), dtype=torch.bool)
    rows = (f @ f.T)[others].view(len(f), len(f) - 1)
    return F.normalize(torch.where(rows.any(1, keepdim=True), rows, 0.0), dim=1)


def _value(f: Tensor) -> Tensor:
    return _relation(f) if f.ndim == 2 else F.normalize(_energy(f).flatten(1), dim=1)


def _student_value(f: Tensor, teacher: Tensor) -> Tensor:
    if f.ndim == 2:
        return _relation(f)
    if f.ndim == 3:
        return F.normalize(F.adaptive_avg_pool1d(_energy(f), teacher.shape[1]), dim=1)
    pooled = F.adaptive_avg_pool2d(_energy(f), teacher.shape[2:])
    return F.normalize(pooled.flatten(1), dim=1)
