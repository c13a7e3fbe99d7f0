"""The vocabulary in which rules speak about labels."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

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
        splits: every reshape into parts.
        cuts: labels, bounds and width of every slice that takes one of several equal parts.
        by_heads: numbers of those in `splits` of which whole parts go.
        products: labels and width of every axis over which two activations are multiplied.
        literals: numbers that each module's code multiplies or divides by, by module path.
        held: numbers that a module and those around it hold as attributes.
        constant: fixed label of values that no parameter and no input takes part in.
    """

    def __init__(self, ledger: Ledger, parameters: Collection[str] = ()) -> None:
        self.ledger = ledger
        self.parameters = parameters
        self.positions: dict[tuple[str, str], int] = {}
        self.counting = True
        self.splits: list[Parts] = []
        self.cuts: list[tuple[IntArray, int, int, int]] = []
        self.by_heads: Collection[int] = frozenset()
        self.products: list[tuple[IntArray, int]] = []
        self.literals: dict[str, set[float]] = {}
        self.held: Callable[[str], Collection[float]] = lambda _module: ()
        self.constant = ledger.fixed(
            "it meets a constant of fixed width that is neither a parameter nor a buffer",
            quiet=True,
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
        return Labels(left.shape, fixed, left.axes, left.weight, left.source, left.trails)

    def inexact(self, labels: IntArray, text: str) -> None:
        """State that removing these channels is not the same as masking them."""
        self.ledger.inexact(labels, self.ledger.fixed(text))

    def product(self, call_module: str, left: Labels, left_axis: int, right: Labels,
                right_axis: int, *, where: str, scaled: bool | None = None) -> None:  # fmt: skip
        """State that two activations are multiplied and summed over these axes.

        Args:
            call_module: the module that does it.
            left: the queries, if it is attention.
            left_axis: of `left`.
            right: the keys.
            right_axis: of `right`.
            where: the operation in a user's words.
            scaled: whether the product is divided by the root of the width it finds; None reads
                it from the module's code.
        """
        self.products.append((left.vector(left_axis), left.shape[left_axis]))
        self.ledger.unread(left.vector(left_axis))
        self.ledger.unread(right.vector(right_axis))
        width = left.shape[left_axis]
        if scaled is None:
            scaled = self._divides_by_root(call_module, width)
        if not scaled or left_axis % left.rank not in left.axes:
            return
        places = left.places(left_axis)
        if places is None:
            text = f"{where} scales its scores by the width of a head"
            self.fix(left, [left_axis], text)
            self.fix(right, [right_axis], text)
        else:
            self.ledger.queries(places, width)

    def _divides_by_root(self, module: str, width: int) -> bool:
        """Whether the module's code computes 1 / sqrt(width) itself, each time it runs.

        A number that it holds as an attribute was computed once and stays what it is.
        """
        held = [number for number in self.held(module) if _is_root(number, width)]
        used = [number for number in self.literals.get(module, ()) if _is_root(number, width)]
        return bool(used) and not held

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
                is_stretched = axis - len(shape) + value.rank in value.stretched
                if width == 1 or shape[axis] != width or is_stretched:
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
        self,
        shape: Shape,
        vectors: dict[int, IntArray],
        values: Sequence[Labels],
        trails: dict[int, IntArray | None] | None = None,
    ) -> Labels:
        """A value of this shape made from others; without `trails`, theirs end here."""
        fixed = next((v.fixed for v in values if not v.weight), self.constant)
        weight = all(v.weight for v in values)
        numel = int(np.prod(shape))
        whole = [v.source for v in values if v.source and int(np.prod(v.shape)) == numel]
        whole.sort(key=lambda source: source not in self.parameters)
        source = whole[0] if weight and whole else None
        if trails is None:
            trails = _ended(vectors, values)
        return Labels.of(shape, fixed, vectors, weight=weight, source=source, trails=trails)

    def move(
        self,
        value: Labels,
        shape: Shape,
        run: Callable[[Tensor], Tensor],
        module: str | None = None,
    ) -> Labels:
        """Run an operation that only rearranges elements on the labels themselves.

        Args:
            value: labels of the operation's data.
            shape: shape of its result.
            run: the operation, given a tensor of shape `value.shape`.
            module: path of the module whose code names the new shape, if it is named.
        """
        vectors: dict[int, IntArray] = {}
        trails: dict[int, IntArray | None] = {}
        for axis, vector in value.axes.items():
            view = [1] * value.rank
            view[axis] = -1
            moved = run(torch.from_numpy(vector).view(view).expand(value.shape))
            is_split_by_heads = module is not None and len(self.splits) in self.by_heads
            found = self._along_one_axis(moved.numpy(), is_split_by_heads)
            if found is None or found.axis in vectors:
                why = TIED if (vector == vector[0]).all() else _MIXED
                self.ledger.protect(vector, self.ledger.fixed(why))
                continue
            vectors[found.axis] = found.labels
            if axis in value.trails:
                trails[found.axis] = _moved_trail(value.trails[axis], value.shape, run)
            elif found.tied is not None:
                trails[found.axis] = found.tied
            if found.tied is not None and module is not None:
                self.splits.append(Parts(module, found.labels, found.parts, is_split_by_heads))
        return self.result(shape, vectors, [value], trails)

    def _along_one_axis(self, labels: IntArray, by_heads: bool = False) -> _Along | None:
        """The axis along which labels vary, and the labels along it.

        Where they vary along several axes, equal offsets along the last one are tied: what is
        left after a removal must again be a rectangle (equal rows for every head, every group).
        Only where the last axis is the widest is it taken for the one that follows the width;
        in (C/4, 2, 2) it is not, and nothing is known of the others. With `by_heads` it is the
        axis before the last, and everything within one part is tied.
        """
        labels = _collapsed(labels)
        varying = [d for d, width in enumerate(labels.shape) if width > 1]
        if not varying or labels.shape[varying[-1]] < max(labels.shape):
            return None
        along = varying[-2] if by_heads and len(varying) > 1 else varying[-1]
        rows = np.moveaxis(labels, along, -1).reshape(-1, labels.shape[along])
        if len(rows) > 1:
            self.unite(rows[:1], rows)
        tied = labels if len(rows) > 1 else None
        parts = labels.shape[along] if along != varying[-1] else len(rows)
        return _Along(along, np.ascontiguousarray(rows[0]), tied, parts)


def _is_root(number: float, width: int) -> bool:
    """A fourth root too: some code scales queries and keys by it."""
    powers = (width**exponent for exponent in (-0.5, 0.5, -0.25, 0.25))
    return width > 1 and any(abs(number - power) < 1e-6 * power for power in powers)


@dataclass(frozen=True, eq=False)
class _Along:
    """Labels along one axis, and all of them where equal offsets of several rows were tied."""

    axis: int
    labels: IntArray
    tied: IntArray | None
    parts: int


@dataclass(frozen=True, eq=False)
class Parts:
    """A reshape that cuts an axis into parts.

    Attributes:
        module: path of the module whose code it is.
        labels: along the axis that can shrink.
        parts: number of parts.
        whole: of which whole parts go, instead of equal offsets within all.
    """

    module: str
    labels: IntArray
    parts: int
    whole: bool


def _collapsed(labels: IntArray) -> IntArray:
    """The same with size 1 along the axes along which nothing varies."""
    spread = tuple(slice(0, 1) if stride == 0 else slice(None) for stride in labels.strides)
    labels = labels[spread]
    for axis in range(labels.ndim):
        head = labels[(slice(None),) * axis + (slice(0, 1),)]
        if (labels == head).all():
            labels = head
    return labels


def _ended(vectors: dict[int, IntArray], values: Sequence[Labels]) -> dict[int, IntArray | None]:
    """Trails of a value that is made from others and no multiple of any of them."""
    tied = [v.axes[axis] for v in values for axis in v.trails]
    if not tied:
        return {}
    every = np.concatenate(tied)
    return {axis: None for axis, vector in vectors.items() if np.isin(vector, every).any()}


def _moved_trail(
    trail: IntArray | None, shape: Shape, run: Callable[[Tensor], Tensor]
) -> IntArray | None:
    if trail is None:
        return None
    whole = torch.from_numpy(np.ascontiguousarray(trail)).expand(shape)
    return _collapsed(run(whole).numpy())
