"""The frozen teacher as the training step sees it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from edgeprune.distill.taps import TapRecorder


class Teacher:
    """A trained network in eval mode whose outputs are ordered like the data's classes.

    Args:
        module: the network; its parameters are frozen.
        taps: module paths whose outputs the attention head reads; empty for none.
        columns: output column of every class of the data, or None when they already agree.
    """

    def __init__(
        self, module: nn.Module, taps: Sequence[str] = (), columns: Tensor | None = None
    ) -> None:
        self.module = module.eval().requires_grad_(False)
        self.taps = tuple(taps)
        self.columns = columns
        self._recorder = TapRecorder(self.module, self.taps) if self.taps else None

    @torch.no_grad()
    def __call__(self, inputs: tuple[Tensor, ...]) -> tuple[Tensor, list[Tensor]]:
        """Outputs (batch, classes) and one feature per tap."""
        if self._recorder is None:
            return self.predict(inputs), []
        with self._recorder:
            outputs = self.module(*inputs)
        return self._ordered(outputs), list(self._recorder.features)

    @torch.no_grad()
    def predict(self, inputs: tuple[Tensor, ...]) -> Tensor:
        """Outputs alone."""
        return self._ordered(self.module(*inputs))

    def _ordered(self, outputs: Tensor) -> Tensor:
        return outputs if self.columns is None else outputs.index_select(1, self.columns)
