"""The vocabulary in which rules speak about labels."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

import numpy as np
import torch
from torch import Tensor

from edgeprune.prune.graph.labels import Labels
from edgeprune.prune.graph.ledger import Ledger
from edgeprune.prune.graph.types import IntArray

Shape = tuple[int, ...]

TIED = "splits, shuffles or groups tie its channels into one, which cannot go alone"
_MIXED = "a reshape mixes its channels with another axis, or cuts them into parts of fixed size"


class Context:
    """Statements about the labels of values; every rule is given one.

    Attributes:
        ledger: where the statements are collected.
        parameters: names of the tensors that are parameters, as against buffers.
        positions: places at which each (layer, weight) has been used so far.
        constant: fixed label of values that no parameter and no input takes part in.
    """

    def __init__(self, ledger: Ledger, parameters: Collection[str] = ()) -> None:
        self.ledger = ledger
        self.parameters = parameters
        self.positions: dict[tuple[str, str], int] = {}
        self.counting = True
        self.constant = ledger.fixed(
            "it meets a constant of fixed width that is neither a parameter nor a buffer"
        )

    def unknown(self, shape: Shape, text: str) -> Labels:
        """A value none of whose axes can shrink, for this reason."""
        return Labels(shape, self.ledger.fixed(text))

    def unite(self, left: IntArray, right: IntArray) -> None:
        """State that labels go together; a fixed label protects its partner."""
        self.ledger.unite(left, right)

    def protect(self, values: Iterable[Labels], text: str, *, quiet: bool = False) -> None:
        """State that nothing along any axis of these values can go."""
        fixed = self.ledger.fixed(text, quiet=quiet)
        for value in values:
            for vector in value.axes.values():
                self.ledger.protect(vector, fixed)

    def fix(self, value: Labels, axes: Iterable[int], text: str, *, quiet: bool = False) -> Labels:
        """State that nothing along these axes can go; the value is returned with them fixed."""
        fixed = self.ledger.fixed(text, quiet=quiet)
        hit = [d for d in {axis % value.rank for axis in axes} if d in value.axes]
        for axis in hit:
            self.ledger.protect(value.axes[axis], fixed)
        if not hit:
            return value
        left = value.without(*hit)
        return Labels(left.shape, fixed, left.axes, left.weight, left.source)

    def inexact(self, labels: IntArray, text: str) -> None:
        """State that removing these channels is not the same as masking them."""
        self.ledger.inexact(labels, self.ledger.fixed(text))

    def count(self, name: str, weight: Labels, positions: int) -> None:
        """Account for a layer that uses every element of its weight at so many places."""
        if self.counting and weight.source is not None and positions > 0:
            owner, _, leaf = weight.source.rpartition(".")
            key = (name if leaf == "weight" and owner else weight.source, weight.source)
            self.positions[key] = self.positions.get(key, 0) + positions

    def meet(self, values: Sequence[Labels], shape: Shape) -> Labels:
        """Unite what meets elementwise under broadcasting; the result has the given shape.

        An axis of size 1 is stretched and states nothing. Where one operand cannot shrink along an
        axis, the others cannot either.
        """
        vectors: dict[int, IntArray] = {}
        one_weight = all(value.weight for value in values)
        for value in values:
            for axis, width in enumerate(value.shape, start=len(shape) - value.rank):
                if width == 1 or shape[axis] != width:
                    continue
                vector = value.vector(axis - len(shape))
                if one_weight and axis in vectors:
                    self.ledger.twins(vectors[axis], vector)
                vectors[axis] = self.join(vectors.get(axis), vector)
        return self.result(shape, vectors, values)

    def join(self, first: IntArray | None, second: IntArray) -> IntArray:
        """Unite two vectors and return one that stands for both; fixed labels win."""
        if first is None:
            return second
        self.unite(first, second)
        return np.where(second < 0, second, first)

    def result(
        self, shape: Shape, vectors: dict[int, IntArray], values: Sequence[Labels]
    ) -> Labels:
        """A value of this shape made from others."""
        fixed = next((v.fixed for v in values if not v.weight), self.constant)
        weight = all(v.weight for v in values)
        numel = int(np.prod(shape))
        whole = [v.source for v in values if v.source and int(np.prod(v.shape)) == numel]
        whole.sort(key=lambda source: source not in self.parameters)
        source = whole[0] if weight and whole else None
        return Labels.of(shape, fixed, vectors, weight=weight, source=source)

    def move(self, value: Labels, shape: Shape, run: Callable[[Tensor], Tensor]) -> Labels:
        """Run an operation that only rearranges elements on the labels themselves.

        Args:
            value: labels of the operation's data.
            shape: shape of its result.
            run: the operation, given a tensor of shape `value.shape`.
        """
        vectors: dict[int, IntArray] = {}
        for axis, vector in value.axes.items():
            view = [1] * value.rank
            view[axis] = -1
            moved = run(torch.from_numpy(vector).view(view).expand(value.shape))
            found = self._along_one_axis(moved.numpy())
            if found is None or found[0] in vectors:
                why = TIED if (vector == vector[0]).all() else _MIXED
                self.ledger.protect(vector, self.ledger.fixed(why))
                continue
            vectors[found[0]] = found[1]
        return self.result(shape, vectors, [value])

    def _along_one_axis(self, labels: IntArray) -> tuple[int, IntArray] | None:
        """The axis along which labels vary, and the labels along it.

        Where they vary along several axes, equal offsets along the last one are tied: what is
        left after a removal must again be a rectangle (equal rows for every head, every group).
        Only where the last axis is the widest is it taken for the one that follows the width;
        in (C/4, 2, 2) it is not, and nothing is known of the others.
        """
        spread = tuple(slice(0, 1) if stride == 0 else slice(None) for stride in labels.strides)
        labels = labels[spread]
        for axis in range(labels.ndim):
            head = labels[(slice(None),) * axis + (slice(0, 1),)]
            if (labels == head).all():
                labels = head
        varying = [d for d, width in enumerate(labels.shape) if width > 1]
        if not varying or labels.shape[varying[-1]] < max(labels.shape):
            return None
        rows = np.moveaxis(labels, varying[-1], -1).reshape(-1, labels.shape[varying[-1]])
        if len(rows) > 1:
            self.unite(rows[:1], rows)
        return varying[-1], np.ascontiguousarray(rows[0])
