"""Lottery tickets on physically smaller networks: which part of the original is left.

A ticket is the original network's early weights θ_k, restricted to the channels that survived
(Frankle & Carbin, ICLR 2019; rewinding: Frankle et al., ICML 2020). `KeptIndex` remembers, for
every tensor axis that surgery ever touched, the original positions that are left.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

AxisIndex = Mapping[tuple[str, int], NDArray[np.int64]]
Factors = Mapping[tuple[str, int], NDArray[np.float64]]
_FACTORS = "#factors"


@dataclass(frozen=True)
class KeptIndex:
    """What is left of the original network.

    Attributes:
        axes: original positions left along each axis, by (tensor name, axis); absent axes are
            whole.
        factors: what surgery multiplied those positions by (`query_scale`), where it did.
    """

    axes: AxisIndex = field(default_factory=dict)
    factors: Factors = field(default_factory=dict)

    def after(self, kept: AxisIndex, factors: Factors | None = None) -> KeptIndex:
        """The index after a further removal.

        Args:
            kept: positions of the present network that are left, by (tensor name, axis).
            factors: what those positions are multiplied by.
        """
        axes, all_factors = dict(self.axes), dict(self.factors)
        for key, positions in kept.items():
            before = axes.get(key)
            axes[key] = positions if before is None else before[positions]
            if key in all_factors:
                all_factors[key] = all_factors[key][positions]
        for key, factor in (factors or {}).items():
            all_factors[key] = all_factors.get(key, 1.0) * factor
        return KeptIndex(axes, all_factors)

    def restrict(
        self, weights: Mapping[str, Tensor], aliases: Mapping[str, str] | None = None
    ) -> dict[str, Tensor]:
        """`weights` of the original network, cut down to what is left.

        Args:
            weights: a state_dict of the original network.
            aliases: further names of shared tensors and the name the index knows them by.
        """
        canonical = aliases or {}
        by_name: dict[str, list[tuple[int, NDArray[np.int64]]]] = {}
        for (name, axis), positions in self.axes.items():
            by_name.setdefault(name, []).append((axis, positions))
        left = {
            name: _take(tensor, by_name.get(canonical.get(name, name), []))
            for name, tensor in weights.items()
        }
        for name, tensor in left.items():
            for (scaled, axis), factor in self.factors.items():
                if scaled == canonical.get(name, name):
                    view = [1] * tensor.dim()
                    view[axis] = -1
                    left[name] = left[name] * torch.from_numpy(factor).to(tensor).view(view)
        return left

    def as_dict(self) -> dict[str, Tensor]:
        """Plain tensors under `name:axis`, for a state file."""
        kept: dict[tuple[str, int], NDArray[Any]] = dict(self.axes)
        scaled: dict[tuple[str, int], NDArray[Any]] = dict(self.factors)
        return {
            f"{name}:{axis}{mark}": torch.from_numpy(values.copy())
            for mark, held in (("", kept), (_FACTORS, scaled))
            for (name, axis), values in held.items()
        }

    @staticmethod
    def from_dict(saved: Mapping[str, Tensor]) -> KeptIndex:
        """The inverse of `as_dict`."""
        axes: dict[tuple[str, int], NDArray[np.int64]] = {}
        factors: dict[tuple[str, int], NDArray[np.float64]] = {}
        for key, values in saved.items():
            name, _, axis = key.removesuffix(_FACTORS).rpartition(":")
            held: dict[tuple[str, int], Any] = factors if key.endswith(_FACTORS) else axes
            held[name, int(axis)] = values.numpy()
        return KeptIndex(axes, factors)


def shared_names(module: nn.Module) -> dict[str, str]:
    """Further state_dict names of shared tensors, each with the first name of the same tensor."""
    first: dict[int, str] = {}
    aliases: dict[str, str] = {}
    for name, tensor in module.state_dict(keep_vars=True).items():
        known = first.setdefault(id(tensor), name)
        if known != name:
            aliases[name] = known
    return aliases


def _take(tensor: Tensor, cuts: list[tuple[int, NDArray[np.int64]]]) -> Tensor:
    for axis, positions in cuts:
        tensor = tensor.index_select(axis, torch.from_numpy(positions).to(tensor.device))
    return tensor.clone() if not cuts else tensor
