"""Batch normalisation of vectors over all processes, on any backend.

torch.nn.SyncBatchNorm refuses CPUs. This one needs one all_gather forward and one all_reduce
backward, which gloo and nccl both have.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.autograd.function import once_differentiable


class SyncedBatchNorm1d(nn.BatchNorm1d):
    """BatchNorm1d whose training statistics cover the batches of every process.

    Without a process group, with one process, or in eval mode it is plain BatchNorm1d. Like
    torch's own, it leaves the gradients of weight and bias local: DistributedDataParallel averages
    them.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Normalise (B, C) features; every process must call with the same C and any B >= 1."""
        if not (self.training and _processes() > 1):
            return super().forward(input)
        results: tuple[Tensor, ...] = _SyncedNorm.apply(input, self.weight, self.bias, self.eps)
        output, mean, variance, count = results
        self._track(mean, variance, count)
        return output

    @torch.no_grad()
    def _track(self, mean: Tensor, variance: Tensor, count: Tensor) -> None:
        if self.running_mean is None or self.running_var is None:
            return
        assert self.num_batches_tracked is not None
        self.num_batches_tracked.add_(1)
        momentum = self.momentum
        if momentum is None:
            momentum = 1.0 / float(self.num_batches_tracked)
        unbiased = variance * (count / (count - 1).clamp_min(1))
        self.running_mean.lerp_(mean.to(self.running_mean.dtype), momentum)
        self.running_var.lerp_(unbiased.to(self.running_var.dtype), momentum)


def _processes() -> int:
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


class _SyncedNorm(torch.autograd.Function):
    """Returns the output and the global mean, biased variance and sample count."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, eps: float
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        mean, variance, count = _global_statistics(x)
        inverse = (variance + eps).rsqrt()
        normal = (x - mean) * inverse
        ctx.save_for_backward(normal, weight, inverse, count)
        ctx.mark_non_differentiable(mean, variance, count)
        return normal * weight + bias, mean, variance, count

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_output: Tensor, *_: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        normal, weight, inverse, count = ctx.saved_tensors
        local = torch.stack([d_output.sum(0), (d_output * normal).sum(0)])
        both = local.clone()
        dist.all_reduce(both)
        d_input = (d_output - (both[0] + normal * both[1]) / count) * (weight * inverse)
        return d_input, local[1], local[0], None


def _global_statistics(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Mean, biased variance and count over all processes, from centred parts (Chan et al. 1979)."""
    count = x.new_full((1,), x.shape[0])
    mine = torch.cat([x.mean(0), x.var(0, correction=0), count])
    gathered = [torch.empty_like(mine) for _ in range(_processes())]
    dist.all_gather(gathered, mine)
    every = torch.stack(gathered)
    means, variances, counts = every[:, : x.shape[1]], every[:, x.shape[1] : -1], every[:, -1:]
    total = counts.sum()
    mean = (counts * means).sum(0) / total
    variance = (counts * (variances + (means - mean).square())).sum(0) / total
    return mean, variance, total
