"""The user's rules for widths: rounding, floors, and against whom a channel is ranked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

import numpy as np

from edgeprune.errors import UserInputError
from edgeprune.prune.graph.tensors import layer_of
from edgeprune.prune.graph.types import ChannelGraph, ChannelGroup, IntArray


@dataclass(frozen=True)
class WidthRules:
    """What widths the groups of a network may get.

    Attributes:
        round_to: groups wider than this keep a multiple of it.
        floor: fraction of its original width that every group keeps.
        floors: the same for the groups of single layers, by the layer's name or a pattern
            (`fnmatch`); the highest that fits counts, where it is higher than `floor`.
        global_pruning: rank channels across groups; otherwise every group loses the same fraction.
        isomorphic: rank channels only against those of groups with the same structure, and take
            the same fraction from every structure (Fang et al., "Isomorphic Pruning for Vision
            Models", ECCV 2024, arXiv 2407.04616).
        per_cost: rank by importance for each parameter and MAC that is saved, not by importance
            alone (a knapsack: Shen et al., "Structural Pruning via Latency-Saliency Knapsack",
            NeurIPS 2022). For importance that is comparable across groups.

    Raises:
        UserInputError: a value out of range.
    """

    round_to: int = 8
    floor: float = 0.1
    floors: Mapping[str, float] = field(default_factory=dict)
    global_pruning: bool = True
    isomorphic: bool = False
    per_cost: bool = False

    def __post_init__(self) -> None:
        if self.round_to < 1:
            raise UserInputError(f"round_to: {self.round_to} is not a width; give 1 or more")
        for name, value in {"floor": self.floor, **_named(self.floors)}.items():
            if not 0 <= value <= 1:
                raise UserInputError(f"{name}: {value:g} is out of range; give a fraction")
        if self.isomorphic and not self.global_pruning:
            raise UserInputError("isomorphic: needs a global ranking; leave out --local")
        if self.per_cost and (self.isomorphic or not self.global_pruning):
            raise UserInputError("per_cost: needs a global ranking; leave out isomorphic and local")

    def floor_of(self, group: ChannelGroup) -> float:
        """The fraction of its original width that a group keeps."""
        names = {group.name, *layers_of(group)}
        found = [
            value
            for pattern, value in self.floors.items()
            if any(name == pattern or fnmatchcase(name, pattern) for name in names)
        ]
        return max([self.floor, *found])

    def check_names(self, graph: ChannelGraph) -> None:
        """Refuse a floor for a layer that no group has.

        Raises:
            UserInputError: naming it, and what there is.
        """
        names = {name for group in graph.groups for name in (group.name, *layers_of(group))}
        for pattern in self.floors:
            if not any(name == pattern or fnmatchcase(name, pattern) for name in names):
                some = ", ".join(sorted(names)[:3])
                raise UserInputError(
                    f"floors: '{pattern}' names no layer whose channels can go; there are "
                    f"{some}, ... (see edgeprune inspect)"
                )


def layers_of(group: ChannelGroup) -> tuple[str, ...]:
    """The layers that write the group's channels."""
    return tuple(dict.fromkeys(layer_of(s.tensor) for s in group.slices if s.writes))


def structures(graph: ChannelGraph) -> IntArray:
    """Number of the structure of each group; groups of one structure have the same number.

    Two groups are alike if their channels own as many places in tensors of the same kind: the same
    axis of a weight with the same kernel, read or written.
    """
    numbers: dict[tuple[object, ...], int] = {}
    found = []
    for group in graph.groups:
        slots = sorted(
            (
                s.axis,
                len(graph.tensors[s.tensor]),
                graph.tensors[s.tensor][2:],
                s.reads,
                s.writes,
                len(s.index) // group.size,
            )
            for s in group.slices
        )
        found.append(numbers.setdefault(tuple(slots), len(numbers)))
    return np.array(found, dtype=np.int64)


def _named(floors: Mapping[str, float]) -> dict[str, float]:
    return {f"floors: {pattern}": value for pattern, value in floors.items()}
