"""Physical removal of channels from a network that is in use.

Every tensor is cut once, whoever shares it; parameters become new `nn.Parameter`s, and all modules,
the optimiser and its state follow. Everything is computed first and then put in place in one
transaction, so that a failure leaves network and optimiser as they were.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from edgeprune.errors import EdgepruneError
from edgeprune.prune.cost import FloatArray
from edgeprune.prune.graph.types import ChannelGraph, IntArray
from edgeprune.prune.optimizer_slices import GRADIENT_POWERS, replace_parameters, sliced_state
from edgeprune.prune.query_scale import query_factors
from edgeprune.prune.removal import Removal, check_removal, kept_outputs, kept_positions
from edgeprune.prune.tensor_slots import Slot, named_tensors, slots_by_tensor
from edgeprune.prune.transaction import Transaction
from edgeprune.prune.widths import (
    KNOW_THEIR_WIDTH,
    widths_after,
    widths_after_split,
    widths_without_tensors,
)


@dataclass(frozen=True, eq=False)
class _Cut:
    """One tensor, what is kept of it, and what takes its place."""

    name: str
    old: Tensor
    kept: Mapping[int, IntArray]
    new: Tensor


@dataclass
class _Operation:
    """Everything that surgery is going to change."""

    cuts: list[_Cut] = field(default_factory=list)
    slots: list[tuple[Slot, Tensor]] = field(default_factory=list)
    attributes: list[tuple[nn.Module, str, Any]] = field(default_factory=list)
    states: dict[nn.Parameter, dict[str, Any]] = field(default_factory=dict)


def remove_channels(
    model: nn.Module,
    graph: ChannelGraph,
    removal: Removal,
    *,
    optimizer: torch.optim.Optimizer | None = None,
) -> None:
    """Cut the channels of `removal` out of `model`, in place, or change nothing.

    Weights, buffers, gradients, optimiser state and width attributes of modules change together;
    dtype, device, memory layout and `requires_grad` stay. `kept_positions` tells what was kept.

    Args:
        model: the network that `graph` was traced from, as it was then.
        graph: its channels.
        removal: what goes.
        optimizer: its parameters are replaced and its state is cut.

    Raises:
        UserInputError: the removal does not fit the graph.
        UnsupportedError: the optimiser keeps state that cannot be cut.
        EdgepruneError: the network is not the one that was traced.
    """
    with channels_removed(model, graph, removal, optimizer=optimizer):
        pass


@contextmanager
def channels_removed(
    model: nn.Module,
    graph: ChannelGraph,
    removal: Removal,
    *,
    optimizer: torch.optim.Optimizer | None = None,
) -> Iterator[None]:
    """`remove_channels` with checks: if the body raises, everything is as it was."""
    check_removal(graph, removal)
    operation = _plan(model, graph, removal, optimizer)
    with Transaction() as transaction:
        _carry_out(operation, optimizer, transaction)
        yield


def _plan(
    model: nn.Module,
    graph: ChannelGraph,
    removal: Removal,
    optimizer: torch.optim.Optimizer | None,
) -> _Operation:
    tensors = named_tensors(model)
    positions = kept_positions(graph, removal)
    kept: dict[str, dict[int, IntArray]] = {}
    for (name, axis), left in positions.items():
        kept.setdefault(name, {})[axis] = left
    factors = query_factors(graph, removal, positions)
    operation = _Operation()
    for name, axes in kept.items():
        _check_shape(name, tensors.get(name), graph)
        old = tensors[name]
        scale = _Scale({axis: factors[name, axis] for axis in axes if (name, axis) in factors})
        new = _renewed(old, axes, scale)
        operation.cuts.append(_Cut(name, old, axes, new))
        if optimizer is not None and isinstance(old, nn.Parameter) and old in optimizer.state:
            state = sliced_state(optimizer.state[old], old, name, partial(_taken, kept=axes))
            for key, power in GRADIENT_POWERS.items():
                if isinstance(state.get(key), Tensor):
                    scale.apply(state[key], power)
            operation.states[old] = state
    _plan_slots(model, operation)
    _plan_splits(model, graph, removal, operation)
    _plan_tensorless(model, graph, removal, operation)
    return operation


@dataclass(frozen=True, eq=False)
class _Scale:
    """Factors along axes of one tensor; see `query_scale`.

    A weight that is c times what it was has gradients 1 / c times what they were.
    """

    factors: Mapping[int, FloatArray]

    def apply(self, new: Tensor, gradient_power: int = 0) -> None:
        """Scale, in place, a weight (0), its gradient (1) or squares of that (2)."""
        for axis, factors in self.factors.items():
            shape = [1] * new.dim()
            shape[axis] = -1
            by = factors if gradient_power == 0 else factors**-gradient_power
            new.detach().mul_(torch.from_numpy(by).to(new).view(shape))


def _plan_slots(model: nn.Module, operation: _Operation) -> None:
    """The places of all cut tensors, and the attributes of the modules that hold them."""
    places = slots_by_tensor(model)
    by_module: dict[nn.Module, dict[str, tuple[tuple[int, ...], Mapping[int, IntArray]]]] = {}
    for cut in operation.cuts:
        for slot in places[id(cut.old)]:
            operation.slots.append((slot, cut.new))
            tensors = by_module.setdefault(slot.module, {})
            tensors[slot.attribute] = (tuple(cut.old.shape), cut.kept)
    for module, tensors in by_module.items():
        for attribute, value in widths_after(module, tensors).items():
            operation.attributes.append((module, attribute, value))


def _plan_splits(
    model: nn.Module, graph: ChannelGraph, removal: Removal, operation: _Operation
) -> None:
    """Modules that cut an axis into heads may hold the width of one, or of all."""
    modules = dict(model.named_modules())
    changed = {(id(module), attribute) for module, attribute, _ in operation.attributes}
    for split in graph.splits:
        gone = len(removal.channels[split.group])
        module = modules.get(split.module)
        if module is None or not gone:
            continue
        for attribute, value in widths_after_split(module, split, gone).items():
            if (id(module), attribute) not in changed:
                changed.add((id(module), attribute))
                operation.attributes.append((module, attribute, value))


def _plan_tensorless(
    model: nn.Module, graph: ChannelGraph, removal: Removal, operation: _Operation
) -> None:
    """Norms without parameters still know their width."""
    modules = dict(model.named_modules())
    for path, found in graph.outputs.items():
        module = modules.get(path)
        if not isinstance(module, KNOW_THEIR_WIDTH) or named_tensors(module):
            continue
        removed = len(found.group) - len(kept_outputs(graph, removal, path))
        if removed:
            for attribute, value in widths_without_tensors(module, removed).items():
                operation.attributes.append((module, attribute, value))


def _carry_out(
    operation: _Operation, optimizer: torch.optim.Optimizer | None, transaction: Transaction
) -> None:
    for slot, tensor in operation.slots:
        transaction.put(slot.store(), slot.attribute, tensor)
    for module, attribute, value in operation.attributes:
        transaction.set(module, attribute, value)
    if optimizer is not None:
        renewed = {
            cut.old: cut.new
            for cut in operation.cuts
            if isinstance(cut.old, nn.Parameter) and isinstance(cut.new, nn.Parameter)
        }
        replace_parameters(optimizer, renewed, operation.states, transaction)


def _renewed(old: Tensor, kept: Mapping[int, IntArray], scale: _Scale) -> Tensor:
    """A new tensor or parameter with the kept positions, gradient included."""
    new = _taken(old.detach(), kept)
    scale.apply(new)
    if not isinstance(old, nn.Parameter):
        return new
    parameter = nn.Parameter(new, requires_grad=old.requires_grad)
    # Marks that users put on parameters, such as "no weight decay", stay with them.
    vars(parameter).update(vars(old))
    if old.grad is not None:
        parameter.grad = _taken(old.grad, kept)
        scale.apply(parameter.grad, 1)
    return parameter


def _taken(tensor: Tensor, kept: Mapping[int, IntArray]) -> Tensor:
    """The kept positions, in memory laid out in the same order of axes."""
    taken = tensor.detach()
    for axis, positions in sorted(kept.items()):  # rows first: that leaves less to gather
        taken = taken.index_select(axis, torch.from_numpy(positions).to(tensor.device))
    order = _axis_order(tensor)
    if _axis_order(taken) == order:
        return taken
    back = [order.index(axis) for axis in range(tensor.dim())]
    laid_out = taken.new_empty([taken.shape[axis] for axis in order]).permute(back)
    return laid_out.copy_(taken)


def _axis_order(tensor: Tensor) -> list[int]:
    """Axes from the slowest to the fastest in memory."""
    strides = tensor.stride()
    return sorted(range(tensor.dim()), key=lambda axis: -strides[axis])


def _check_shape(name: str, tensor: Tensor | None, graph: ChannelGraph) -> None:
    if tensor is None or tuple(tensor.shape) != graph.tensors[name]:
        found = "is missing" if tensor is None else f"has shape {tuple(tensor.shape)}"
        raise EdgepruneError(
            f"{name} {found} where {graph.tensors[name]} was traced: trace the network as it is now"
        )
