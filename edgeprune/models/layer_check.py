"""Do a layer's tensors have the sizes that its attributes say?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from torch import Tensor, nn

_Shapes = dict[str, tuple[int, ...]]


def layer_fault(module: nn.Module) -> str:
    """Say how a layer's tensors contradict its width attributes; "" when they agree."""
    for divisor, widths in _DIVISORS:
        parts = vars(module).get(divisor)
        for name in widths:
            width = vars(module).get(name)
            if isinstance(parts, int) and isinstance(width, int) and width % parts:
                return f"{name} {width} cannot be divided by {divisor} {parts}"
    for kind, shapes_of in _SHAPES:
        if isinstance(module, kind):
            return _first_difference(module, shapes_of(module))
    return ""


def _first_difference(module: nn.Module, expected: _Shapes) -> str:
    for name, shape in expected.items():
        tensor = getattr(module, name, None)
        if isinstance(tensor, Tensor) and tuple(tensor.shape) != shape:
            return f"{name} is {tuple(tensor.shape)} where its attributes say {shape}"
    return ""


def _convolution(layer: Any) -> _Shapes:
    first, second = layer.out_channels, layer.in_channels
    if layer.transposed:
        first, second = second, first
    weight = (first, second // layer.groups, *layer.kernel_size)
    return {"weight": weight, "bias": (layer.out_channels,)}


def _linear(layer: Any) -> _Shapes:
    return {"weight": (layer.out_features, layer.in_features), "bias": (layer.out_features,)}


def _channels(width: int) -> _Shapes:
    return dict.fromkeys(("weight", "bias", "running_mean", "running_var"), (width,))


def _table(layer: Any) -> _Shapes:
    return {"weight": (layer.num_embeddings, layer.embedding_dim)}


def _attention(layer: Any) -> _Shapes:
    width = layer.num_heads * layer.head_dim
    return {"in_proj_weight": (3 * width, layer.embed_dim), "in_proj_bias": (3 * width,)}


_DIVISORS: Final = (
    ("groups", ("in_channels", "out_channels")),
    ("num_groups", ("num_channels",)),
    ("num_heads", ("embed_dim",)),
)
_SHAPES: Final[tuple[tuple[type | tuple[type, ...], Callable[[Any], _Shapes]], ...]] = (
    (nn.modules.conv._ConvNd, _convolution),
    (nn.Linear, _linear),
    (nn.modules.batchnorm._NormBase, lambda norm: _channels(norm.num_features)),
    (nn.GroupNorm, lambda norm: _channels(norm.num_channels)),
    (
        (nn.LayerNorm, nn.RMSNorm),
        lambda norm: dict.fromkeys(("weight", "bias"), tuple(norm.normalized_shape)),
    ),
    ((nn.Embedding, nn.EmbeddingBag), _table),
    (nn.MultiheadAttention, _attention),
)
