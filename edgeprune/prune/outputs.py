"""What networks return, as a flat list of tensors that can be compared."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor


@dataclass(frozen=True)
class Difference:
    """How far two outputs are apart.

    Attributes:
        absolute: largest absolute difference of any element.
        relative: largest, over the output tensors, of that difference over the tensor's largest
            magnitude.
    """

    absolute: float
    relative: float

    def worse(self, other: Difference) -> Difference:
        """The larger of both, part by part."""
        return Difference(max(self.absolute, other.absolute), max(self.relative, other.relative))


def tensors_in(value: Any) -> list[Tensor]:
    """Every tensor of a nested output (tuples, lists, mappings, dataclasses), in order."""
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, Mapping):
        return [tensor for item in value.values() for tensor in tensors_in(item)]
    if isinstance(value, list | tuple):
        return [tensor for item in value for tensor in tensors_in(item)]
    if dataclasses.is_dataclass(value):
        return [t for f in dataclasses.fields(value) for t in tensors_in(getattr(value, f.name))]
    return []


def difference(reference: list[Tensor], other: list[Tensor]) -> Difference:
    """Distance of `other` from `reference`; infinite if shapes differ or a value is not finite."""
    if [t.shape for t in reference] != [t.shape for t in other]:
        return Difference(float("inf"), float("inf"))
    worst = Difference(0.0, 0.0)
    for expected, found in zip(reference, other, strict=True):
        if expected.numel():
            worst = worst.worse(_difference(expected.double(), found.double()))
    return worst


def _difference(expected: Tensor, found: Tensor) -> Difference:
    apart = float((expected - found).abs().max())
    if apart != apart:  # not a number
        return Difference(float("inf"), float("inf"))
    scale = float(expected.abs().max())
    return Difference(apart, apart / scale if scale > 0 else (float("inf") if apart else 0.0))
