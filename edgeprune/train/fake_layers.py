"""A network's own layers, computing as INT8 for as long as this is attached to them.

Hooks quantise what a layer reads, and put quantised weights in front of its parameters while it
runs. Types, names, parameters and the state_dict stay what they are; after `detach` the network is
plain again. The batch norm after a convolution needs no folding here: the exporter folds it by
scaling whole output channels, which scales their max|w| alike and leaves the integers as they are.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.utils.hooks import RemovableHandle

from edgeprune.models.scales import check_scales
from edgeprune.train.fake_quantise import SMALLEST_SCALE, fake_input, fake_weight


class FakeLayers(nn.Module):
    """The learned input scales of some layers, and the hooks that apply them.

    Args:
        scales: input scale by module path.

    Attributes:
        scales: one float32 parameter per layer, in the order of `paths`.
    """

    def __init__(self, scales: Mapping[str, float]) -> None:
        super().__init__()
        self.paths = tuple(scales)
        self.scales = nn.ParameterList(
            nn.Parameter(torch.tensor(value, dtype=torch.float32)) for value in scales.values()
        )
        self._handles: list[RemovableHandle] = []

    def attach(self, model: nn.Module) -> None:
        """Have the layers of `model` compute with INT8 weights and inputs.

        Raises:
            UserInputError: a path is not a convolution or linear layer of the model.
        """
        check_scales(model, self.paths)
        for number, path in enumerate(self.paths):
            layer = model.get_submodule(path)
            before = partial(self._quantise, number, _output_axis(layer))
            self._handles.append(layer.register_forward_pre_hook(before))
            # Called after a failed forward too: a shadow must not outlive it.
            self._handles.append(layer.register_forward_hook(_uncover, always_call=True))

    def detach(self) -> None:
        """Leave the layers as they were."""
        for handle in self._handles:
            handle.remove()
        self._handles = []

    def input_scales(self) -> dict[str, float]:
        """The scales as plain values, exactly."""
        return dict(zip(self.paths, (scale.item() for scale in self.scales), strict=True))

    @torch.no_grad()
    def keep_positive(self) -> None:
        """Put scales that an optimiser step took to zero or below back on the positive side."""
        for scale in self.scales:
            scale.clamp_min_(SMALLEST_SCALE)

    def _quantise(
        self, number: int, axis: int, layer: nn.Module, args: tuple[Any, ...]
    ) -> tuple[Any, ...]:
        # The instance's dict comes before the parameters when the layer looks up its weight.
        layer.__dict__["weight"] = fake_weight(layer.get_parameter("weight"), axis)
        return (fake_input(args[0], self.scales[number]), *args[1:])


def fake_copy(model: nn.Module, scales: Mapping[str, float]) -> nn.Module:
    """A copy of a plain `model` that computes as INT8."""
    fake = FakeLayers(scales).to(next(model.parameters()).device)
    copied = copy.deepcopy(model)
    fake.attach(copied)
    return copied


def _uncover(layer: nn.Module, _args: object, _output: object) -> None:
    layer.__dict__.pop("weight", None)


def _output_axis(layer: nn.Module) -> int:
    """Transposed convolutions keep their weights as (in, out, ...)."""
    return 1 if isinstance(layer, nn.modules.conv._ConvTransposeNd) else 0
