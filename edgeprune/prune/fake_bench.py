"""Whether a network's code runs without some channels, found out without computing anything."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from edgeprune.errors import EdgepruneError
from edgeprune.prune.graph.types import ChannelGraph
from edgeprune.prune.outputs import tensors_in
from edgeprune.prune.removal import Removal
from edgeprune.prune.surgery import remove_channels
from edgeprune.prune.tensor_slots import named_tensors


class FakeBench:
    """A network of fake tensors: they have shapes and no data, so a run costs milliseconds.

    Args:
        model: the network; it is not changed.
        graph: its channels.
        example_inputs: what it is called with.
    """

    def __init__(
        self, model: nn.Module, graph: ChannelGraph, example_inputs: tuple[Tensor, ...]
    ) -> None:
        self._graph = graph
        self._mode = FakeTensorMode(allow_non_fake_inputs=True)
        self._model = self._faked(model).eval()
        self._inputs = tuple(self._mode.from_tensor(value) for value in example_inputs)
        self._shapes = self._run(self._model)

    def complaint(self, removal: Removal) -> str:
        """Why the network does not run without these channels; empty where it does."""
        smaller = copy.deepcopy(self._model, {id(t): t for t in self._tensors()})
        try:
            with self._mode:
                remove_channels(smaller, self._graph, removal)
            shapes = self._run(smaller)
        except (EdgepruneError, RuntimeError, ValueError, TypeError, IndexError,
                AssertionError) as failure:  # fmt: skip
            return (str(failure).splitlines() or [type(failure).__name__])[0]
        return "" if shapes == self._shapes else "its outputs change their shape"

    def _run(self, model: nn.Module) -> list[tuple[int, ...]]:
        fast = torch.backends.mha.get_fastpath_enabled()
        torch.backends.mha.set_fastpath_enabled(False)
        try:
            with self._mode, torch.no_grad(), torch.random.fork_rng(devices=[]):
                return [tuple(t.shape) for t in tensors_in(model(*self._inputs))]
        finally:
            torch.backends.mha.set_fastpath_enabled(fast)

    def _faked(self, model: nn.Module) -> nn.Module:
        memo: dict[int, Any] = {}
        for tensor in named_tensors(model).values():
            if id(tensor) not in memo:
                fake: Tensor = self._mode.from_tensor(tensor.detach())
                if isinstance(tensor, nn.Parameter):
                    fake = nn.Parameter(fake, requires_grad=tensor.requires_grad)
                memo[id(tensor)] = fake
        return copy.deepcopy(model, memo)

    def _tensors(self) -> list[Tensor]:
        return list(named_tensors(self._model).values())
