"""Whether a network's code runs without some channels, found out without computing anything."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode

from edgeprune.prune.graph.types import ChannelGraph
from edgeprune.prune.outputs import tensors_in
from edgeprune.prune.removal import Removal
from edgeprune.prune.surgery import remove_channels
from edgeprune.prune.tensor_slots import named_tensors
from edgeprune.wording import brief

_Slice = tuple[int, int, int]  # start, stop and width of the axis


class _SliceRecorder(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch has no types
    """Notes the bounds of every slice."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.slices: list[_Slice] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.ops.aten.slice.Tensor:
            x, dim, start, stop = [*args, *(0, None, None)[len(args) - 1 :]][:4]
            width = x.shape[dim]
            low = min(max(0, (start or 0) + (width if (start or 0) < 0 else 0)), width)
            high = width if stop is None else min(stop + (width if stop < 0 else 0), width)
            self.slices.append((low, high, width))
        return func(*args, **(kwargs or {}))


def _is_same_part(before: _Slice, after: _Slice) -> bool:
    """Whether both take the same share of their axis."""
    return all(b * after[2] == a * before[2] for b, a in zip(before[:2], after[:2], strict=True))


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
        self._slices: list[_Slice] = []
        self._shapes = self._run(self._model)
        self._slices_before = self._slices

    def complaint(self, removal: Removal) -> str:
        """Why the network does not run without these channels; empty where it does."""
        smaller = copy.deepcopy(self._model, {id(t): t for t in self._tensors()})
        try:
            with self._mode:
                remove_channels(smaller, self._graph, removal)
            shapes = self._run(smaller)
        except Exception as failure:  # whatever a user's forward raises
            return brief(failure)
        if shapes != self._shapes:
            return "its outputs change their shape"
        return self._fixed_bounds()

    def _fixed_bounds(self) -> str:
        """Whether slices into equal parts went on taking the parts they took."""
        watched = {(cut.start, cut.stop, cut.width) for cut in self._graph.cut_outs}
        if not watched:
            return ""
        if len(self._slices) != len(self._slices_before):
            return "its code takes other slices"
        for before, after in zip(self._slices_before, self._slices, strict=True):
            if before in watched and not _is_same_part(before, after):
                return f"it goes on taking {after[0]}:{after[1]} of {after[2]} channels"
        return ""

    def _run(self, model: nn.Module) -> list[tuple[int, ...]]:
        fast = torch.backends.mha.get_fastpath_enabled()
        torch.backends.mha.set_fastpath_enabled(False)
        try:
            recorder = _SliceRecorder()
            with self._mode, torch.no_grad(), torch.random.fork_rng(devices=[]), recorder:
                outputs = tensors_in(model(*self._inputs))
            self._slices = recorder.slices
            return [tuple(t.shape) for t in outputs]
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
