"""Giving a built network the tensor sizes of a pruned one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from edgeprune.errors import UserInputError
from edgeprune.models.layer_check import layer_fault
from edgeprune.wording import shown


def resize_parameters(model: nn.Module, state_dict: Mapping[str, Tensor]) -> None:
    """Replace every parameter and buffer whose shape differs from `state_dict`'s, in place.

    New tensors keep dtype, device and `requires_grad`, hold no values yet (load the state_dict
    next), and stay shared where they were shared. Widths in module attributes are checked against
    the new tensors, so call `apply_attributes` first.

    Raises:
        UserInputError: other keys than the model's, another number of axes, or tensors that
            contradict the module attributes. One line naming the entry.
    """
    present = model.state_dict(keep_vars=True)
    fault = keys_fault(present, state_dict)
    if fault:
        raise UserInputError(fault)
    renewed: dict[int, Tensor] = {}
    for key, wanted in state_dict.items():
        old = present[key]
        if old.dim() != wanted.dim():
            raise UserInputError(f"{shown(key)} has {wanted.dim()} axes, the network's {old.dim()}")
        if old.shape != wanted.shape:
            _replace(model, key, renewed.setdefault(id(old), _sized_like(old, wanted)))
    for path, module in model.named_modules():
        fault = layer_fault(module)
        if fault:
            raise UserInputError(f"module {path or '(the network)'}: {fault}")


def keys_fault(present: Mapping[str, Any], given: Mapping[str, Any]) -> str:
    """Say how the keys of two state_dicts differ; "" when they agree."""
    missing = [key for key in present if key not in given]
    unexpected = [key for key in given if key not in present]
    parts = [
        f"{len(keys)} {what} (first: {shown(keys[0])})"
        for what, keys in (("missing entries", missing), ("unknown entries", unexpected))
        if keys
    ]
    return f"the state_dict is of another network: {', '.join(parts)}" if parts else ""


def _sized_like(old: Tensor, wanted: Tensor) -> Tensor:
    fresh = old.detach().new_empty(wanted.shape)
    if isinstance(old, nn.Parameter):
        return nn.Parameter(fresh, requires_grad=old.requires_grad)
    return fresh


def _replace(model: nn.Module, key: str, tensor: Tensor) -> None:
    path, _, name = key.rpartition(".")
    setattr(model.get_submodule(path), name, tensor)
