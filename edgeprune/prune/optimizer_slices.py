"""An optimiser follows its parameters through surgery: param groups and per-parameter state."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from edgeprune.errors import UnsupportedError
from edgeprune.prune.transaction import Transaction

Cut = Callable[[Tensor], Tensor]
# What torch's optimisers keep of gradients (1) and of their squares (2), by the state's key.
GRADIENT_POWERS = {
    "momentum_buffer": 1,
    "exp_avg": 1,
    "grad_avg": 1,
    "exp_avg_sq": 2,
    "max_exp_avg_sq": 2,
    "square_avg": 2,
    "sum": 2,
}


def sliced_state(
    state: Mapping[str, Any], parameter: Tensor, name: str, cut: Cut
) -> dict[str, Any]:
    """The optimiser state of a parameter after `cut`.

    Tensors of the parameter's shape (momentum, Adam's moments) are cut like it; numbers and
    one-element tensors (step counters) stay.

    Raises:
        UnsupportedError: a tensor of another shape, as factored or full-matrix optimisers keep.
    """
    sliced = {}
    for key, value in state.items():
        if not isinstance(value, Tensor) or (value.numel() == 1 and value.dim() == 0):
            sliced[key] = value
        elif value.shape == parameter.shape:
            sliced[key] = cut(value)
        else:
            raise UnsupportedError(
                f"optimiser state '{key}' of {name} has shape {tuple(value.shape)}, the parameter "
                f"{tuple(parameter.shape)}: it cannot follow a removal; build the optimiser anew "
                "after pruning, or use SGD or Adam"
            )
    return sliced


def replace_parameters(
    optimizer: torch.optim.Optimizer,
    renewed: Mapping[nn.Parameter, nn.Parameter],
    states: Mapping[nn.Parameter, dict[str, Any]],
    transaction: Transaction,
) -> None:
    """Point the optimiser to the new parameters, in the order and groups it has.

    Args:
        renewed: new parameter by old one.
        states: state after the cut, by old parameter.
    """
    for group in optimizer.param_groups:
        members = group["params"]
        for index, parameter in enumerate(members):
            if parameter in renewed:
                transaction.put_at(members, index, renewed[parameter])
    for old, state in states.items():
        transaction.remove(optimizer.state, old)
        transaction.put(optimizer.state, renewed[old], state)
