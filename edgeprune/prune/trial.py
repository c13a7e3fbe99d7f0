"""A bench on which removals are tried: copies of a network, run masked and run without."""

from __future__ import annotations

import copy
from contextlib import suppress
from functools import cached_property

import torch
from torch import Tensor, nn

from edgeprune.errors import EdgepruneError, UserInputError
from edgeprune.models.inputs import input_specs
from edgeprune.prune.arithmetic import TOLERANCE, exact_arithmetic, proof_dtypes
from edgeprune.prune.bench_inputs import bench_inputs
from edgeprune.prune.cost import CostModel
from edgeprune.prune.graph.types import ChannelGraph
from edgeprune.prune.masking import masked
from edgeprune.prune.outputs import Difference, difference, tensors_in
from edgeprune.prune.redraw import redraw_weights
from edgeprune.prune.removal import Removal
from edgeprune.prune.surgery import remove_channels
from edgeprune.prune.tensor_slots import named_tensors

_SEED = 20240119
_DRAWS = 12  # of weights, before channels without an effect count as having none
_RUN_FAILURES = (RuntimeError, ValueError, TypeError, IndexError, AssertionError)


class Refuted(Exception):  # noqa: N818 - an outcome of a trial, not a failure of the program
    """A removal changed more than masking does; the text says how."""


class _NoEffectError(Refuted):
    """Masking left the outputs as they were."""


class Trial:
    """Copies of one network, in the best precision it runs in.

    Args:
        model: the network; it is never touched.
        graph: its channels.
        example_inputs: what it is called with (see `bench_inputs`).

    Attributes:
        dtype: the precision of all runs.

    Raises:
        UserInputError: the network does not run on the inputs.
    """

    def __init__(
        self, model: nn.Module, graph: ChannelGraph, example_inputs: tuple[Tensor, ...]
    ) -> None:
        self._graph = graph
        self._device = example_inputs[0].device
        self._original = model
        self._reference, self._inputs, self.dtype = self._runnable(model, example_inputs)
        self._unmasked: list[Tensor] | None = None
        self._redraw(_SEED)

    @property
    def tolerance(self) -> float:
        """Largest relative difference that counts as equal."""
        return TOLERANCE[self.dtype]

    def use_real_weights(self) -> None:
        """Go on with the network's own weights instead of redrawn ones."""
        real = named_tensors(self._original)
        with torch.no_grad():
            for name, tensor in named_tensors(self._reference).items():
                tensor.copy_(real[name])
        self._unmasked = None  # real weights may leave a channel unread; nothing follows from it

    def check(self, exact: Removal, whole: Removal) -> Difference:
        """Try a removal.

        Args:
            exact: the part of it that must equal masking.
            whole: all of it; the network must run without these channels.

        Returns:
            The difference between masking and removing the exact part; zero where there is none.

        Raises:
            Refuted: they differ, the smaller network does not run, or masking changed nothing.
        """
        for draw in range(1, _DRAWS):
            with suppress(_NoEffectError):
                return self._check(exact, whole)
            # Perhaps there was none only because a ReLU was shut on the few samples there are, or
            # for any, where all biases before it are negative.
            self._redraw(_SEED + draw, free_biases=True)
        return self._check(exact, whole)

    def _redraw(self, seed: int, *, free_biases: bool = False) -> None:
        redraw_weights(self._reference, seed, free_biases=free_biases)
        self._unmasked = self._run(self._reference)
        self._shapes = [tensor.shape for tensor in self._unmasked]

    def _check(self, exact: Removal, whole: Removal) -> Difference:
        smaller = self._removed(whole)
        outputs = self._outputs_without(smaller)
        if [tensor.shape for tensor in outputs] != self._shapes:
            raise Refuted("the outputs change their shape")
        found = Difference(0.0, 0.0)
        if not exact.is_empty:
            if exact.count != whole.count:
                outputs = self._outputs_without(self._removed(exact))
            found = self._compare(exact, outputs)
        if self._unmasked is not None:
            self._check_training(smaller)
        return found

    def _compare(self, removal: Removal, outputs: list[Tensor]) -> Difference:
        with masked(self._reference, self._graph, removal):
            expected = self._run(self._reference)
        if self._unmasked is not None:
            self._require_effect(self._unmasked, expected)
        found = difference(expected, outputs)
        if not found.relative <= self.tolerance:
            raise Refuted(f"removing differs from masking by {found.relative:.1e} (relative)")
        return found

    def _require_effect(self, unmasked: list[Tensor], expected: list[Tensor]) -> None:
        if not all(bool(torch.isfinite(tensor).all()) for tensor in unmasked):
            raise Refuted("the network's outputs are not finite with random weights")
        if difference(unmasked, expected).relative <= self.tolerance:
            raise _NoEffectError("masking the channels changes nothing, so it proves nothing")

    def _check_training(self, smaller: nn.Module) -> None:
        if self._reference_trains and not self._trains(smaller):
            raise Refuted("the network does not run in training mode any more")

    def _outputs_without(self, smaller: nn.Module) -> list[Tensor]:
        try:
            return self._run(smaller)
        except _RUN_FAILURES as failure:
            raise Refuted(f"without the channels the network fails: {_line(failure)}") from failure

    def _removed(self, removal: Removal) -> nn.Module:
        smaller = _shell(self._reference)
        try:
            remove_channels(smaller, self._graph, removal)
        except EdgepruneError as failure:
            raise Refuted(_line(failure)) from failure
        return smaller

    def _run(self, model: nn.Module) -> list[Tensor]:
        with exact_arithmetic(self._device):
            torch.manual_seed(_SEED)
            return tensors_in(model(*self._inputs))

    @cached_property
    def _reference_trains(self) -> bool:
        return self._trains(self._reference)

    def _trains(self, model: nn.Module) -> bool:
        """Whether the model runs in training mode; batch norm needs two samples."""
        twice = tuple(torch.cat([value, value]) if value.dim() else value for value in self._inputs)
        try:
            with exact_arithmetic(self._device):
                _shell(model).train()(*twice)
        except _RUN_FAILURES:
            return False
        return True

    def _runnable(
        self, model: nn.Module, example_inputs: tuple[Tensor, ...]
    ) -> tuple[nn.Module, tuple[Tensor, ...], torch.dtype]:
        """A copy in the best precision it runs in, and the cheapest inputs it takes."""
        macs = CostModel(self._graph).macs()
        candidates = bench_inputs(example_inputs, macs, input_specs(model))
        failure = ""
        for dtype in proof_dtypes(model, self._device):
            reference = _copy_as(model, dtype)
            for candidate in candidates:
                inputs = tuple(v.to(dtype) if v.is_floating_point() else v for v in candidate)
                outputs, failure = self._attempt(reference, inputs)
                if outputs:
                    return reference, inputs, dtype
        raise UserInputError(f"the network does not run on the example inputs: {failure}")

    def _attempt(self, model: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[list[Tensor], str]:
        self._inputs = inputs
        try:
            outputs = self._run(model)
        except _RUN_FAILURES as failure:
            return [], _line(failure)
        return outputs, "it returns no tensor that could be compared"


def _copy_as(model: nn.Module, dtype: torch.dtype) -> nn.Module:
    reference = copy.deepcopy(model).to(dtype).eval()
    for parameter in reference.parameters():
        parameter.grad = None
    return reference


def _shell(model: nn.Module) -> nn.Module:
    """A copy that shares the parameters and has its own modules and buffers."""
    shared = {id(parameter): parameter for parameter in model.parameters()}
    return copy.deepcopy(model, shared)


def _line(failure: Exception) -> str:
    return (str(failure).splitlines() or [type(failure).__name__])[0]
