"""Teach channel discovery an operation of your own.

    python examples/04_teach_an_operation.py

A network uses `shop::scale_shift`, a custom operation that edgeprune has never heard of. It does
not guess: the channels that meet the operation stay, and are named. A rule of three lines says what
the operation does to channels, and the network shrinks, with the same proof as any other.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

import edgeprune
from edgeprune.prune.graph import Call, Context, Labels, register_rule


@torch.library.custom_op("shop::scale_shift", mutates_args=())
def scale_shift(x: Tensor, gain: Tensor, shift: Tensor) -> Tensor:
    """Each channel of x (N, C, H, W) times gain (C,) plus shift (C,)."""
    return x * gain.view(-1, 1, 1) + shift.view(-1, 1, 1)


@scale_shift.register_fake
def _(x: Tensor, _gain: Tensor, _shift: Tensor) -> Tensor:
    return torch.empty_like(x)


class Network(nn.Module):
    """Two convolutions with the operation between them."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 32, 3), nn.Conv2d(32, 16, 3)
        self.gain, self.shift = nn.Parameter(torch.randn(32)), nn.Parameter(torch.randn(32))
        self.head = nn.Linear(16, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Map images (N, 3, H, W) to logits (N, 10)."""
        x = torch.relu(scale_shift(self.first(x), self.gain, self.shift))
        logits: Tensor = self.head(torch.relu(self.second(x)).mean((2, 3)))
        return logits


def follow_scale_shift(context: Context, call: Call) -> Labels:
    """Channel i of x goes with entry i of gain and of shift; the result has the channels of x."""
    x: Labels = call.args["x"]
    for name in ("gain", "shift"):
        context.unite(x.vector(1), call.args[name].vector(0))
    return x


def show(title: str, report: edgeprune.PruneReport) -> None:
    """Widths before and after, and what stayed."""
    print(title)
    for group in report.groups:
        print(f"  {group.name}: {group.before} -> {group.after} channels")
    for skipped in report.skipped:
        print(f"  kept: {skipped.layer} ({skipped.reason})")
    print(f"  removal against masking, relative error: {report.equivalence.max_rel_error:.1e}")


def main() -> None:
    """Prune without the rule and with it."""
    torch.manual_seed(0)
    image = torch.randn(1, 3, 16, 16)
    show("without a rule", edgeprune.prune_model(Network(), image, pruning_ratio=0.5))
    register_rule("shop::scale_shift", follow_scale_shift)
    show("with the rule", edgeprune.prune_model(Network(), image, pruning_ratio=0.5))


if __name__ == "__main__":
    main()
