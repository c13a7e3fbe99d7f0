"""The frozen teacher as the training step sees it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from edgeprune.distill.summary import TapSummary, summarise_all
from edgeprune.distill.taps import TapRecorder
from edgeprune.train.teacher_cache import TeacherCache


class Teacher:
    """A trained network in eval mode whose outputs are ordered like the data's classes.

    Args:
        module: the network; its parameters are frozen.
        taps: module paths whose outputs the attention head reads; empty for none.
        columns: output column of every class of the data, or None when they already agree.

    Attributes:
        cache: keeps what the teacher said of a batch; None asks it every time.
    """

    def __init__(
        self, module: nn.Module, taps: Sequence[str] = (), columns: Tensor | None = None
    ) -> None:
        self.module = module.eval().requires_grad_(False)
        self.taps = tuple(taps)
        self.columns = columns
        self.cache: TeacherCache | None = None
        self._recorder = TapRecorder(self.module, self.taps) if self.taps else None

    @torch.no_grad()
    def __call__(self, inputs: tuple[Tensor, ...]) -> tuple[Tensor, list[TapSummary]]:
        """Outputs (batch, classes) and the summary of every tap."""
        if self.cache is None:
            return self._ask(inputs)
        return self.cache.recall(inputs, len(self.taps), lambda: self._ask(inputs))

    @torch.no_grad()
    def answers(self, inputs: tuple[Tensor, ...]) -> Tensor:
        """Outputs alone, of a training batch."""
        if self.cache is None:
            return self.predict(inputs)
        return self.cache.recall(inputs, 0, lambda: (self.predict(inputs), []))[0]

    @torch.no_grad()
    def predict(self, inputs: tuple[Tensor, ...]) -> Tensor:
        """Outputs alone, asked anew."""
        return self._ordered(self.module(*inputs))

    def _ask(self, inputs: tuple[Tensor, ...]) -> tuple[Tensor, list[TapSummary]]:
        if self._recorder is None:
            return self.predict(inputs), []
        with self._recorder:
            outputs = self.module(*inputs)
        return self._ordered(outputs), summarise_all(self._recorder.features)

    def _ordered(self, outputs: Tensor) -> Tensor:
        return outputs if self.columns is None else outputs.index_select(1, self.columns)
