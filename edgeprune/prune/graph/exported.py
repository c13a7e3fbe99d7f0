"""Tracing a model with `torch.export`, without leaving marks on it."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property

import torch
from torch import Tensor, nn
from torch.export import ExportedProgram

from edgeprune.errors import UnsupportedError
from edgeprune.prune.stopwatch import Stopwatch


class Programs:
    """A model's exported programs, each made when it is first asked for.

    Args:
        model: the network.
        inputs: example inputs.
        watch: counts the seconds of `trace`.
    """

    def __init__(self, model: nn.Module, inputs: tuple[Tensor, ...], watch: Stopwatch) -> None:
        self._model = model
        self._inputs = inputs
        self._watch = watch

    @cached_property
    def evaluation(self) -> ExportedProgram:
        """The network as it runs in evaluation mode."""
        with self._watch.part("trace"):
            return export_eval(self._model, self._inputs)

    @cached_property
    def training(self) -> ExportedProgram:
        """The network as it runs in training mode."""
        with self._watch.part("trace"):
            try:
                return export_train(self._model, self._inputs)
            except UnsupportedError:  # unbatched inputs cannot be doubled
                return export_train(self._model, self._inputs, double=False)


def export_eval(model: nn.Module, inputs: tuple[Tensor, ...]) -> ExportedProgram:
    """The network as it runs in evaluation mode.

    Raises:
        UnsupportedError: `torch.export` cannot trace the model.
    """
    with _mode(model, training=False):
        return _export(model, inputs)


def export_train(
    model: nn.Module, inputs: tuple[Tensor, ...], *, double: bool = True
) -> ExportedProgram:
    """The network as it runs in training mode.

    Args:
        model: the network; its modes are restored.
        inputs: example inputs.
        double: run on two copies of each sample, since batch norm refuses to train on a single
            value per channel.

    Raises:
        UnsupportedError: `torch.export` cannot trace the model.
    """
    if double:
        inputs = tuple(torch.cat([x, x]) if x.dim() else x for x in inputs)
    with _mode(model, training=True):
        return _export(model, inputs)


def _export(model: nn.Module, inputs: tuple[Tensor, ...]) -> ExportedProgram:
    try:
        with _quiet():
            return torch.export.export(model, inputs, strict=False)
    except Exception as error:
        first = next(iter(str(error).strip().splitlines()), type(error).__name__)
        mode = "training" if model.training else "evaluation"
        raise UnsupportedError(
            f"torch.export cannot trace {type(model).__name__} in {mode} mode: {first}; "
            "its forward must take the example inputs in that mode and decide nothing by the data"
        ) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """What goes wrong is raised; PyTorch's own log of it is kept off the user's screen."""
    log = logging.getLogger("torch._subclasses.fake_tensor")
    before = log.disabled
    log.disabled = True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.disabled = before


@contextmanager
def _mode(model: nn.Module, *, training: bool) -> Iterator[None]:
    """Switch modes, and PyTorch's fused inference kernels off: they hide layers from the trace."""
    before = [(module, module.training) for module in model.modules()]
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    model.train(training)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
        for module, mode in before:
            module.training = mode
