"""Labels: which removable position every place along an axis of a tensor stands for.

A label is the number of one position along one axis of one parameter or buffer, so the labels
are the unknowns of channel discovery and equal labels (after uniting) must be removed together.
A removal always takes whole slices, so one vector of labels per axis describes a tensor fully.
Negative labels are *fixed*: `-1 - r` stands for a position that cannot go, for reason number `r`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from edgeprune.prune.graph.types import IntArray


@dataclass(frozen=True, eq=False)
class Labels:
    """The labels of one value of the traced network: an activation, a parameter or a constant.

    Attributes:
        shape: shape of the value.
        fixed: fixed label of every axis that has no vector of its own.
        axes: label vector, shape (shape[axis],), of each axis that can shrink. Axes of size 1 and
            axes without any removable position are never in here.
        trails: for axes whose labels were tied by a split (heads, groups): every element's own
            label, of the value's rank, with size 1 along the axes that do not matter. None where it
            was lost on the way.
        stretched: axes that were expanded from size 1 to meet another value's width.
        weight: computed from parameters and constants only, not from an activation.
        source: key of the parameter whose elements these are, in some arrangement.
    """

    shape: tuple[int, ...]
    fixed: int
    axes: Mapping[int, IntArray] = field(default_factory=dict)
    weight: bool = False
    source: str | None = None
    trails: Mapping[int, IntArray | None] = field(default_factory=dict)
    stretched: frozenset[int] = frozenset()

    @staticmethod
    def of(
        shape: tuple[int, ...],
        fixed: int,
        vectors: Mapping[int, IntArray],
        *,
        weight: bool = False,
        source: str | None = None,
        trails: Mapping[int, IntArray | None] | None = None,
    ) -> Labels:
        """Build labels from vectors of which some may be fixed as a whole or of length 1."""
        axes = {d: v for d, v in vectors.items() if v.size > 1 and bool((v >= 0).any())}
        for axis, vector in vectors.items():
            if axis not in axes and vector.size and bool((vector < 0).all()):
                fixed = int(vector[0])
                break
        kept = {d: trail for d, trail in (trails or {}).items() if d in axes}
        return Labels(shape, fixed, axes, weight, source, kept)

    def vector(self, axis: int) -> IntArray:
        """Labels along an axis, shape (shape[axis],); fixed ones where the axis cannot shrink."""
        axis %= len(self.shape)
        found = self.axes.get(axis)
        return np.full(self.shape[axis], self.fixed, dtype=np.int64) if found is None else found

    def without(self, *axes: int) -> Labels:
        """The same value with these axes fixed."""
        left = {d: v for d, v in self.axes.items() if d not in axes}
        trails = {d: trail for d, trail in self.trails.items() if d not in axes}
        return Labels(self.shape, self.fixed, left, self.weight, self.source, trails)

    def places(self, axis: int) -> IntArray | None:
        """Every label along an axis, one by one; None where a split tied them and it is unknown."""
        axis %= len(self.shape)
        if axis not in self.trails:
            return self.vector(axis)
        trail = self.trails[axis]
        return None if trail is None else trail.reshape(-1)

    def untraced(self) -> Labels:
        """The same value, whose elements are no multiples of what they came from."""
        lost: dict[int, IntArray | None] = dict.fromkeys(self.axes)
        return Labels(self.shape, self.fixed, self.axes, self.weight, self.source, lost)

    @property
    def rank(self) -> int:
        """Number of axes."""
        return len(self.shape)
