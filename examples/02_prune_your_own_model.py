"""Prune inside a training loop of your own: any model that torch.export can trace.

    python examples/02_prune_your_own_model.py

A torchvision ResNet-18 learns digits in a plain PyTorch loop. Between two epochs one call removes
channels from it, physically and in place; because the optimiser is passed along, its momentum is
cut with the weights and the same loop simply goes on, with cheaper steps.
"""

from __future__ import annotations

import argparse

import torch
from torch import Tensor, nn
from torchvision.models import resnet18

import edgeprune

SIDE = 64


def load_images(count: int) -> tuple[Tensor, Tensor]:
    """Digits as a user would have images: (count, 3, 64, 64) floats and class numbers."""
    from sklearn.datasets import load_digits

    found = load_digits()
    small = torch.from_numpy(found.images[:count]).float().unsqueeze(1) / 16 - 0.5
    images = nn.functional.interpolate(small, size=(SIDE, SIDE), mode="bilinear")
    return images.expand(-1, 3, -1, -1).contiguous(), torch.from_numpy(found.target[:count])


def train_epoch(
    model: nn.Module, optimizer: torch.optim.Optimizer, images: Tensor, targets: Tensor
) -> float:
    """One pass; returns the mean loss."""
    model.train()
    total = 0.0
    order = torch.randperm(len(images))
    for start in range(0, len(order), 32):
        chosen = order[start : start + 32]
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(images[chosen]), targets[chosen])
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        total += loss.item() * len(chosen)
    return total / len(images)


def main() -> None:
    """Train, prune, train on."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--images", type=int, default=512)
    parser.add_argument("--epochs", type=int, default=3, help="before pruning, and again after")
    parser.add_argument("--target-params", type=float, default=0.4)
    args = parser.parse_args()

    torch.manual_seed(0)
    images, targets = load_images(args.images)
    model = resnet18(num_classes=10)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    for epoch in range(args.epochs):
        print(f"epoch {epoch + 1}: loss {train_epoch(model, optimizer, images, targets):.3f}")

    report = edgeprune.prune_model(
        model,
        images[:1],
        target_params=args.target_params,
        importance="l2",
        round_to=16,  # widths that suit x86 CPUs; 8 suits FP16 tensor cores
        optimizer=optimizer,
    )
    print(f"parameters {report.params_before:,} -> {report.params:,}")
    print(f"MACs       {report.macs_before:,} -> {report.macs:,}")
    print(f"removal against masking, relative error: {report.equivalence.max_rel_error}")
    for group in report.groups:
        print(f"  {group.name:<24} {group.before:>4} -> {group.after}")
    for skipped in report.skipped:
        print(f"  kept: {skipped.layer} ({skipped.reason})")

    for epoch in range(args.epochs, 2 * args.epochs):
        print(f"epoch {epoch + 1}: loss {train_epoch(model, optimizer, images, targets):.3f}")


if __name__ == "__main__":
    main()
