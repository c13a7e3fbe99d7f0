"""Small networks with every shape of channel: streams, depthwise, flattened, grouped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from edgeprune.prune.graph.trace import trace_channels
from edgeprune.prune.graph.types import ChannelGraph
from edgeprune.prune.removal import Removal, make_removal


class Residual(nn.Module):
    """Stem, a residual block, a depthwise convolution, a projection and a classifier."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(8)
        self.inner = nn.Conv2d(8, 12, 3, padding=1, bias=False)
        self.inner_bn = nn.BatchNorm2d(12)
        self.outer = nn.Conv2d(12, 8, 3, padding=1)
        self.depthwise = nn.Conv2d(8, 8, 3, padding=1, groups=8)
        self.project = nn.Conv2d(8, 16, 1)
        self.fc = nn.Linear(16, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.bn(self.stem(x)))
        x = x + self.outer(torch.relu(self.inner_bn(self.inner(x))))
        x = torch.relu(self.project(self.depthwise(x)))
        return self.fc(x.mean((2, 3)))


class Flattened(nn.Module):
    """A grouped convolution, and channels that own several inputs of a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 12, 3, padding=1)
        self.grouped = nn.Conv2d(12, 8, 3, padding=1, groups=2)
        self.hidden = nn.Linear(8 * 4, 20)
        self.fc = nn.Linear(20, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.grouped(torch.relu(self.first(x))))
        x = nn.functional.adaptive_avg_pool2d(x, 2).flatten(1)
        return self.fc(torch.relu(self.hidden(x)))


NETWORKS: dict[str, type[nn.Module]] = {"residual": Residual, "flattened": Flattened}


@dataclass(frozen=True, repr=False)
class Subject:
    """A network class with its graph; `fresh` builds the same weights every time."""

    build: type[nn.Module]
    graph: ChannelGraph
    inputs: tuple[Tensor, ...]

    def fresh(self) -> nn.Module:
        torch.manual_seed(1)
        return self.build()

    def scores(self, seed: int = 0) -> list[np.ndarray]:
        rng = np.random.default_rng(seed)
        return [rng.uniform(0.5, 1.5, group.size) for group in self.graph.groups]

    def group(self, name: str) -> int:
        return self.graph.group_index[name]

    def remove(self, **channels: list[int]) -> Removal:
        gone: list[list[int]] = [[] for _ in self.graph.groups]
        for name, numbers in channels.items():
            gone[self.group(name)] = numbers
        return make_removal(gone)

    def random_removal(self, seed: int) -> Removal:
        rng = np.random.default_rng(seed)
        return make_removal(
            [
                rng.choice(group.size, rng.integers(0, group.size), replace=False)
                for group in self.graph.groups
            ]
        )


def _subject(name: str) -> Subject:
    torch.manual_seed(0)
    inputs = (torch.randn(2, 3, 8, 8),)
    build = NETWORKS[name]
    return Subject(build, trace_channels(build(), inputs), inputs)


@pytest.fixture(scope="session")
def residual() -> Subject:
    return _subject("residual")


@pytest.fixture(scope="session")
def flattened() -> Subject:
    return _subject("flattened")


@pytest.fixture(scope="session")
def subjects(residual: Subject, flattened: Subject) -> dict[str, Subject]:
    return {"residual": residual, "flattened": flattened}


@pytest.fixture(scope="session")
def trained_step() -> Callable[[nn.Module, torch.optim.Optimizer, tuple[Tensor, ...]], None]:
    """One optimiser step on a made-up loss, so that gradients and optimiser state exist."""

    def step(
        model: nn.Module, optimizer: torch.optim.Optimizer, inputs: tuple[Tensor, ...]
    ) -> None:
        optimizer.zero_grad()
        model(*inputs).square().mean().backward()
        optimizer.step()

    return step
