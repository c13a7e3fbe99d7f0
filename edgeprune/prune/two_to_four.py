"""The 2:4 pattern: of every four consecutive input channels, at most two weights are not zero.

That is what sparse tensor cores take (Mishra et al., "Accelerating Sparse Deep Neural Networks",
2021, arXiv 2104.08378). TensorRT asks it of the C axis: in a convolution separately at each output
channel and kernel position, in a linear layer along each output's row. A factor per output channel,
such as a batch norm folded into the convolution before it, leaves the pattern as it is.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn

from edgeprune.errors import UserInputError
from edgeprune.models.layer_roles import WEIGHTED, owns_its_weight
from edgeprune.prune.masks import MaskSet

GROUP: Final = 4
KEPT: Final = 2


@dataclass(frozen=True)
class PatternReport:
    """How a network stands to the pattern, by module path.

    Attributes:
        sparse: layers that have it.
        broken: layers that could have it and do not.
        left_out: layers that cannot or shall not have it, with the reason.
    """

    sparse: tuple[str, ...]
    broken: tuple[str, ...]
    left_out: Mapping[str, str]


def check_two_to_four(model: nn.Module, reads_inputs: Collection[str] = ()) -> PatternReport:
    """Look at the weights of every convolution and linear layer.

    Args:
        reads_inputs: layers that read the images (`layer_roles`), which are left dense.
    """
    left_out = _left_out(model, reads_inputs)
    able = {path: layer for path, layer in _layers(model) if path not in left_out}
    holds = {path: _has_pattern(layer) for path, layer in able.items()}
    return PatternReport(
        sparse=tuple(path for path, held in holds.items() if held),
        broken=tuple(path for path, held in holds.items() if not held),
        left_out=left_out,
    )


def layers_for_pattern(model: nn.Module, reads_inputs: Collection[str] = ()) -> tuple[str, ...]:
    """Module paths of the layers that can have the pattern.

    Raises:
        UserInputError: there is none; the line says why of the first ones.
    """
    left_out = _left_out(model, reads_inputs)
    able = tuple(path for path, _ in _layers(model) if path not in left_out)
    if not able:
        reasons = ", ".join(f"{path} {reason}" for path, reason in list(left_out.items())[:3])
        raise UserInputError(
            f"--granularity 2:4: no layer can have the pattern ({reasons or 'there is none'}); "
            "use --granularity channel"
        )
    return able


def two_to_four_masks(model: nn.Module, reads_inputs: Collection[str] = ()) -> MaskSet:
    """Masks that project `model` onto the pattern; they cover the left-out layers, holding none.

    Raises:
        UserInputError: no layer can have the pattern.
    """
    able = {id(model.get_submodule(p).weight) for p in layers_for_pattern(model, reads_inputs)}
    keep = MaskSet.for_weights(model).state_dict()
    for name, parameter in model.named_parameters():
        if id(parameter) in able:
            keep[name] = largest_two_of_four(parameter.detach()).cpu()
    return MaskSet(keep)


def largest_two_of_four(weight: Tensor) -> Tensor:
    """Where the two largest magnitudes of every four consecutive input channels are.

    Args:
        weight: of a convolution, (out, in, height, width), or a linear layer, (out, in); `in` is a
            multiple of four.

    Returns:
        A bool tensor of the same shape; exactly two of four are True, of equals the first ones.
    """
    groups = _in_groups(weight.abs())
    order = groups.argsort(dim=1, descending=True, stable=True)
    keep = torch.zeros_like(groups, dtype=torch.bool).scatter_(1, order[:, :KEPT], True)
    channels_last = weight.movedim(1, -1)
    return keep.view(channels_last.shape).movedim(-1, 1).contiguous()


def _has_pattern(layer: nn.Module) -> bool:
    weight = layer.get_parameter("weight").detach()
    return bool(((_in_groups(weight) != 0).sum(1) <= KEPT).all())


def _in_groups(weight: Tensor) -> Tensor:
    """(number of groups, 4), with the input channels as the innermost axis."""
    return weight.movedim(1, -1).reshape(-1, GROUP)


def _layers(model: nn.Module) -> list[tuple[str, nn.Module]]:
    return [(path, layer) for path, layer in model.named_modules() if isinstance(layer, WEIGHTED)]


def _left_out(model: nn.Module, reads_inputs: Collection[str]) -> dict[str, str]:
    reasons = {path: _reason(path, layer, reads_inputs) for path, layer in _layers(model)}
    return {path: reason for path, reason in reasons.items() if reason}


def _reason(path: str, layer: nn.Module, reads_inputs: Collection[str]) -> str:
    """Why a layer stays dense; "" where it can have the pattern."""
    if path in reads_inputs:
        return "reads the images"
    if not owns_its_weight(layer):
        return "computes its weight from others"
    if not isinstance(layer, (nn.Conv2d, nn.Linear)):
        return f"is a {type(layer).__name__}"
    if isinstance(layer, nn.Conv2d) and layer.groups > 1:
        return f"is a convolution of {layer.groups} groups"
    if layer.weight.shape[1] % GROUP:
        return f"takes {layer.weight.shape[1]} channels, which is not a multiple of {GROUP}"
    return ""
