"""What every pattern test needs: take half of all channels away, and prove it right."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from edgeprune.prune.discovery import find_channels
from edgeprune.prune.equivalence import prove
from edgeprune.prune.graph import ChannelGraph
from edgeprune.prune.removal import Removal
from edgeprune.prune.surgery import remove_channels

TracePattern = Callable[..., ChannelGraph]


def _floats(output: Any) -> Iterator[Tensor]:
    if isinstance(output, Tensor):
        yield output.flatten()
    else:
        for value in output.values() if isinstance(output, dict) else output:
            yield from _floats(value)


def _check_trains(model: nn.Module, inputs: tuple[Tensor, ...]) -> None:
    doubled = [torch.cat([x, x]) for x in inputs]
    loss = torch.cat(list(_floats(model.train()(*doubled)))).sum()
    loss.backward()
    assert torch.isfinite(loss)


@pytest.fixture
def assert_exact() -> TracePattern:
    """Trace, prove that half of every exact group can go, train a step without it."""

    def run(model: nn.Module, *inputs: Tensor, **options: Any) -> ChannelGraph:
        graph = find_channels(model, inputs, **options)
        gone = [np.arange(g.size // 2 if g.exact else 0) * 2 for g in graph.groups]
        removal = Removal(tuple(gone))
        assert removal.count > 0, graph.skipped
        equivalence = prove(model, graph, removal, inputs)
        assert equivalence.dtype == "float64"
        assert equivalence.max_rel_error is not None
        assert equivalence.max_rel_error <= 1e-9
        smaller = copy.deepcopy(model)
        remove_channels(smaller, graph, removal)
        _check_trains(smaller, inputs)
        return graph

    return run


@pytest.fixture
def sizes() -> Callable[[ChannelGraph], dict[str, int]]:
    """Size of each group by name."""
    return lambda graph: {group.name: group.size for group in graph.groups}


@pytest.fixture
def reasons() -> Callable[[ChannelGraph], dict[str, str]]:
    """The reasons why a layer was skipped, by its name."""

    def run(graph: ChannelGraph) -> dict[str, str]:
        found: dict[str, str] = {}
        for skipped in graph.skipped:
            found[skipped.layer] = f"{found.get(skipped.layer, '')}{skipped.reason}; "
        return found

    return run
