"""What every pattern test needs: remove half of all channels and compare with silencing them."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from edgeprune.prune.graph import ChannelGraph, trace_channels
from edgeprune.prune.removal import Removal
from edgeprune.prune.surgery import remove_channels

TracePattern = Callable[..., ChannelGraph]


def _redraw(model: nn.Module) -> None:
    """No parameter or statistic at a value that would hide a mistake (0, 1)."""
    generator = torch.Generator().manual_seed(0)
    tensors = [*model.named_parameters(), *model.named_buffers()]
    for name, tensor in tensors:
        if tensor.is_floating_point():
            noise = torch.randn(tensor.shape, generator=generator, dtype=tensor.dtype)
            if "running_var" in name:
                tensor.data.copy_(noise.abs() + 0.5)
            elif tensor.dim() > 1:
                tensor.data.copy_(noise * 1.5 / math.sqrt(tensor[0].numel()))
            else:
                tensor.data.copy_(noise * 0.3 + 0.7)


def _flat(output: Any) -> Tensor:
    values = output.values() if isinstance(output, dict) else output
    parts = [output] if isinstance(output, Tensor) else [_flat(v) for v in values]
    return torch.cat([part.flatten() for part in parts])


def _silence(model: nn.Module, graph: ChannelGraph, gone: Sequence[np.ndarray]) -> None:
    """Zero the places where the channels to go are read."""
    tensors = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    for group, channels in zip(graph.groups, gone, strict=True):
        for s in group.slices:
            if s.reads:
                index = torch.from_numpy(s.index[np.isin(s.channel, channels)])
                tensors[s.tensor].data.index_fill_(s.axis, index, 0)


def _check_trains(model: nn.Module, inputs: tuple[Tensor, ...]) -> None:
    doubled = [torch.cat([x, x]) for x in inputs]
    loss = _flat(model.train()(*doubled)).sum()
    if loss.requires_grad:
        loss.backward()
    assert torch.isfinite(loss)


@pytest.fixture
def assert_exact() -> TracePattern:
    """Trace, take half of every exact group away, compare with silencing it; return the graph."""

    def run(model: nn.Module, *inputs: Tensor, **options: Any) -> ChannelGraph:
        graph = trace_channels(model, inputs, **options)
        model = copy.deepcopy(model).double().eval()
        wide = tuple(x.double() if x.is_floating_point() else x for x in inputs)
        _redraw(model)
        gone = [np.arange(g.size // 2 if g.exact else 0) * 2 % g.size for g in graph.groups]
        gone = [np.unique(g) for g in gone]
        silent, small = copy.deepcopy(model), copy.deepcopy(model)
        _silence(silent, graph, gone)
        remove_channels(small, graph, Removal(tuple(gone)))
        with torch.no_grad():
            dense, masked, removed = (_flat(m(*wide)) for m in (model, silent, small))
        scale = masked.abs().max()
        assert sum(map(len, gone)) > 0, graph.skipped
        assert (dense - masked).abs().max() > 1e-6 * scale, "masking changed nothing"
        assert (removed - masked).abs().max() <= 1e-9 * scale
        _check_trains(small, wide)
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
