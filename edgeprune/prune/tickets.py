"""Lottery tickets on physically smaller networks: which part of the original is left.

A ticket is the original network's early weights θ_k, restricted to the channels that survived
(Frankle & Carbin, ICLR 2019; rewinding: Frankle et al., ICML 2020). `KeptIndex` remembers, for
every tensor axis that surgery ever touched, the original positions that are left.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

AxisIndex = Mapping[tuple[str, int], NDArray[np.int64]]


@dataclass(frozen=True)
class KeptIndex:
    """Original positions left along each axis, by (tensor name, axis); absent axes are whole."""

    axes: AxisIndex = field(default_factory=dict)

    def after(self, kept: AxisIndex) -> KeptIndex:
        """The index after a further removal that keeps positions `kept` of the present network."""
        axes = dict(self.axes)
        for key, positions in kept.items():
            before = axes.get(key)
            axes[key] = positions if before is None else before[positions]
        return KeptIndex(axes)

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
        return {
            name: _take(tensor, by_name.get(canonical.get(name, name), []))
            for name, tensor in weights.items()
        }

    def as_dict(self) -> dict[str, Tensor]:
        """Plain tensors under `name:axis`, for a state file."""
        return {
            f"{name}:{axis}": torch.from_numpy(positions.copy())
            for (name, axis), positions in self.axes.items()
        }

    @staticmethod
    def from_dict(saved: Mapping[str, Tensor]) -> KeptIndex:
        """The inverse of `as_dict`."""
        axes = {}
        for key, positions in saved.items():
            name, _, axis = key.rpartition(":")
            axes[name, int(axis)] = positions.numpy()
        return KeptIndex(axes)


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
