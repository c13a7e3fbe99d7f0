"""Module attributes that repeat a tensor's width, and their values after surgery."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from torch import nn

from edgeprune.errors import EdgepruneError
from edgeprune.models.attributes import ALLOWED
from edgeprune.prune.graph.types import IntArray, Split

# Per tensor attribute of a module: its old shape, and the positions kept along shortened axes.
KeptAxes = Mapping[int, IntArray]
TensorCuts = Mapping[str, tuple[tuple[int, ...], KeptAxes]]
Attributes = dict[str, Any]
# Attributes that count things, whatever width they happen to equal.
_HEAD_COUNTS = frozenset(
    {"heads", "num_heads", "n_heads", "n_head", "nhead", "num_attention_heads"}
)
_COUNTS = _HEAD_COUNTS | {"groups", "num_groups"}
# What one head is wide, and all of them together.
_HEAD_WIDTHS = frozenset(
    {"head_dim", "attention_head_size", "dim_head", "head_size", "d_head", "d_k", "d_kv", "key_dim"}
)
_ALL_HEADS = frozenset({"inner_dim", "all_head_size", "attn_dim"})
_WIDTHS = ALLOWED - _COUNTS - _HEAD_WIDTHS
# Norms that refuse another width, whether or not they have tensors of that width.
KNOW_THEIR_WIDTH = (nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.RMSNorm, nn.GroupNorm)


def widths_after(module: nn.Module, cuts: TensorCuts) -> Attributes:
    """Attributes of `module` to set once its tensors are cut.

    A class of torch's, or derived from one, follows that class's rule. For any other class, an
    attribute with the name of a width is taken for the width of a shortened axis if it has
    exactly that value.

    Raises:
        EdgepruneError: the cut leaves the groups of a grouped layer unequal.
    """
    for kind, rule in _RULES:
        if isinstance(module, kind):
            return rule(module, cuts)
    return _by_value(module, cuts)


def widths_without_tensors(module: nn.Module, removed: int) -> Attributes:
    """The same for a norm without parameters, whose output lost `removed` channels."""
    if isinstance(module, nn.LayerNorm | nn.RMSNorm) and len(module.normalized_shape) == 1:
        return {"normalized_shape": (module.normalized_shape[0] - removed,)}
    if isinstance(module, nn.modules.batchnorm._NormBase):
        return {"num_features": module.num_features - removed}
    if isinstance(module, nn.GroupNorm):
        return {"num_channels": module.num_channels - removed}
    return {}


def widths_after_split(module: nn.Module, split: Split, gone: int) -> Attributes:
    """Attributes of a module whose code cuts an axis into heads, once `gone` channels went."""
    before, names = (split.parts, _HEAD_COUNTS) if split.whole else (split.width, _HEAD_WIDTHS)
    found: Attributes = {}
    for name, value in vars(module).items():
        if type(value) is not int:
            continue
        if name in names and value == before:
            found[name] = before - gone
        elif name in _ALL_HEADS and value % before == 0 and value // before > 1:
            found[name] = value // before * (before - gone)
    return found


def _shape_after(cut: tuple[tuple[int, ...], KeptAxes]) -> tuple[int, ...]:
    shape, kept = cut
    return tuple(len(kept[axis]) if axis in kept else width for axis, width in enumerate(shape))


def _convolution(module: Any, cuts: TensorCuts) -> Attributes:
    if "weight" not in cuts:
        return {}
    shape, kept = cuts["weight"]
    after = _shape_after(cuts["weight"])
    groups = _groups_left(kept.get(0), shape[0], module.groups)
    first, second = after[0], after[1] * groups
    if module.transposed:
        first, second = second, first
    return {"out_channels": first, "in_channels": second, "groups": groups}


def _linear(_: nn.Module, cuts: TensorCuts) -> Attributes:
    if "weight" not in cuts:
        return {}
    after = _shape_after(cuts["weight"])
    return {"out_features": after[0], "in_features": after[1]}


def _embedding(_: nn.Module, cuts: TensorCuts) -> Attributes:
    after = _shape_after(cuts["weight"])
    return {"num_embeddings": after[0], "embedding_dim": after[1]}


def _norm(_: nn.Module, cuts: TensorCuts) -> Attributes:
    return {"num_features": _shape_after(next(iter(cuts.values())))[0]}


def _layer_norm(_: nn.Module, cuts: TensorCuts) -> Attributes:
    return {"normalized_shape": _shape_after(next(iter(cuts.values())))}


def _group_norm(module: Any, cuts: TensorCuts) -> Attributes:
    (width,), kept = next(iter(cuts.values()))
    groups = _groups_left(kept.get(0), width, module.num_groups)
    return {"num_channels": len(kept[0]) if 0 in kept else width, "num_groups": groups}


def _prelu(_: nn.Module, cuts: TensorCuts) -> Attributes:
    return {"num_parameters": _shape_after(cuts["weight"])[0]}


def _by_value(module: nn.Module, cuts: TensorCuts) -> Attributes:
    changes: dict[int, set[int]] = {}
    for shape, kept in cuts.values():
        for axis, positions in kept.items():
            changes.setdefault(shape[axis], set()).add(len(positions))
    return {
        name: next(iter(changes[value]))
        for name, value in vars(module).items()
        if name in _WIDTHS and type(value) is int and len(changes.get(value, ())) == 1
    }


def _groups_left(kept: IntArray | None, width: int, groups: int) -> int:
    """Groups of a grouped axis that still have positions; all must have equally many."""
    if kept is None or groups == 1:
        return groups
    per_group = np.bincount(kept // (width // groups), minlength=groups)
    left = per_group[per_group > 0]
    if (left != left[0]).any():
        raise EdgepruneError(
            f"a removal leaves groups of {sorted(set(left.tolist()))} channels where they must be "
            "equal: this is a fault in channel discovery, please report the network"
        )
    return len(left)


_RULES: tuple[tuple[type[nn.Module], Callable[[Any, TensorCuts], Attributes]], ...] = (
    (nn.modules.conv._ConvNd, _convolution),
    (nn.Linear, _linear),
    (nn.Embedding, _embedding),
    (nn.EmbeddingBag, _embedding),
    (nn.modules.batchnorm._NormBase, _norm),
    (nn.LayerNorm, _layer_norm),
    (nn.RMSNorm, _layer_norm),
    (nn.GroupNorm, _group_norm),
    (nn.PReLU, _prelu),
)
