"""Random weights for proofs: a network whose every channel matters and none is special."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from edgeprune.prune.tensor_slots import named_tensors

_MAGNITUDE = (0.6, 1.2)  # of scales, biases and gains: around 1, never 0
_VARIANCE = (0.7, 1.4)
_MEAN = 0.3


@torch.no_grad()
def redraw_weights(model: nn.Module, seed: int, *, free_biases: bool = False) -> None:
    """Draw all floating parameters and running statistics anew, in place.

    Fresh and fine-tuned networks hold zeros and ones (norm scales, zero-initialised heads, layer
    scale) under which a wrong removal agrees with a right one. Weights are drawn so that values
    neither vanish nor explode with depth (He et al., ICCV 2015); a vector that has one sign keeps
    it, since it may stand under a root or a logarithm.

    Args:
        free_biases: give biases both signs whatever they had: a layer whose biases are all negative
            lets nothing through its ReLU when its inputs are small.
    """
    generators: dict[torch.device, torch.Generator] = {}
    for name, tensor in _distinct(model).items():
        if tensor.is_floating_point():
            generator = generators.setdefault(
                tensor.device, torch.Generator(tensor.device).manual_seed(seed)
            )
            _redraw(name.rpartition(".")[2], tensor, generator, free_biases)


def _redraw(attribute: str, tensor: Tensor, generator: torch.Generator, free_biases: bool) -> None:
    if attribute == "running_mean":
        tensor.uniform_(-_MEAN, _MEAN, generator=generator)
    elif attribute == "running_var":
        tensor.uniform_(*_VARIANCE, generator=generator)
    elif not isinstance(tensor, nn.Parameter):
        return  # a table of constants: positions, anchors, masks
    elif tensor.dim() >= 2:
        bound = math.sqrt(6.0 * tensor.shape[0] / max(tensor.numel(), 1))
        tensor.uniform_(-bound, bound, generator=generator)
    else:
        free = free_biases and attribute == "bias"
        sign = _coins(tensor, generator) if free else _signs(tensor, generator)
        tensor.uniform_(*_MAGNITUDE, generator=generator).mul_(sign)


def _signs(tensor: Tensor, generator: torch.Generator) -> Tensor:
    if bool((tensor > 0).all()) or bool((tensor < 0).all()):
        return tensor.sign()
    return _coins(tensor, generator)


def _coins(tensor: Tensor, generator: torch.Generator) -> Tensor:
    coin = torch.empty_like(tensor).uniform_(-1.0, 1.0, generator=generator)
    return torch.where(coin < 0, -1.0, 1.0).to(tensor.dtype)


def _distinct(model: nn.Module) -> dict[str, Tensor]:
    seen: set[int] = set()
    return {
        name: tensor
        for name, tensor in named_tensors(model).items()
        if not (id(tensor) in seen or seen.add(id(tensor)))  # type: ignore[func-returns-value]
    }
