"""What a network takes that is not one image: ids of table rows, numbers, bags of ids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from edgeprune.device.ids import IdRows, UnknownIdError
from edgeprune.errors import EdgepruneError, UserInputError


@dataclass(frozen=True)
class InputSpec:
    """One input of a network.

    Attributes:
        name: the parameter of `forward`, and the input's name in exported graphs.
        dtype: `float32`, or `int64` for ids.
        shape: of one sample.
        rows: for ids, how many the last axis's columns know: each id is at least 0 and below its
            column's number. Row 0 stands for padding and for what is not known.
        columns: for ids, what they are called; empty where they have no names.
    """

    name: str
    dtype: Literal["float32", "int64"]
    shape: tuple[int, ...]
    rows: tuple[int, ...] = ()
    columns: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.rows and len(self.rows) != self.shape[-1]:
            raise EdgepruneError(
                f"input {self.name}: {len(self.rows)} numbers of rows for {self.shape[-1]} columns"
            )


def input_specs(module: nn.Module) -> tuple[InputSpec, ...] | None:
    """What a network says of its inputs by a method `input_specs()`; None for one of images."""
    told = getattr(module, "input_specs", None)
    return tuple(told()) if callable(told) else None


def require_known_ids(module: nn.Module, inputs: Sequence[Tensor]) -> None:
    """Refuse ids that a network says it has no rows for; torch would end with its own words.

    Raises:
        UserInputError: one line naming input, column and id.
    """
    for spec, values in zip(input_specs(module) or (), inputs, strict=False):
        if spec.rows:
            try:
                IdRows(spec.rows, spec.columns).check(spec.name, values.detach().cpu().numpy())
            except UnknownIdError as failure:
                raise UserInputError(str(failure)) from failure


def random_inputs(
    specs: Sequence[InputSpec], batch: int, generator: torch.Generator | None = None
) -> tuple[Tensor, ...]:
    """Standard normal numbers, and ids drawn evenly from all that each column knows."""
    return tuple(_random(spec, batch, generator) for spec in specs)


def _random(spec: InputSpec, batch: int, generator: torch.Generator | None) -> Tensor:
    if spec.dtype == "float32":
        return torch.randn(batch, *spec.shape, generator=generator)
    uniform = torch.rand(batch, *spec.shape, generator=generator, dtype=torch.float64)
    return (uniform * torch.tensor(spec.rows or (2,), dtype=torch.float64)).long()
