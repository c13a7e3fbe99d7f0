"""The tensors of a model by name, and the places that hold each of them."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn


@dataclass(frozen=True)
class Slot:
    """One place in a module that holds a parameter or buffer.

    Attributes:
        module: the module.
        attribute: name of the tensor there.
        is_parameter: whether it is registered as a parameter.
    """

    module: nn.Module
    attribute: str
    is_parameter: bool

    def store(self) -> dict[str, Tensor | None]:
        """The module's table that holds the tensor."""
        tables = vars(self.module)
        table: dict[str, Tensor | None] = tables["_parameters" if self.is_parameter else "_buffers"]
        return table


def named_tensors(model: nn.Module) -> dict[str, Tensor]:
    """Every parameter and buffer under each of its names; non-persistent buffers too."""
    named: dict[str, Tensor] = dict(model.named_parameters(remove_duplicate=False))
    return named | dict(model.named_buffers(remove_duplicate=False))


def slots_by_tensor(model: nn.Module) -> dict[int, list[Slot]]:
    """The places of every parameter and buffer, by the tensor's `id`; several where it is tied."""
    places: dict[int, list[Slot]] = {}
    for module in model.modules():
        for table, is_parameter in (("_parameters", True), ("_buffers", False)):
            for attribute, tensor in vars(module)[table].items():
                if tensor is not None:
                    slot = Slot(module, attribute, is_parameter)
                    places.setdefault(id(tensor), []).append(slot)
    return places
