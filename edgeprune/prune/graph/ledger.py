"""What the rules state about labels, collected as arrays and solved once at the end."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeprune.prune.graph.components import connected_components
from edgeprune.prune.graph.types import BoolArray, IntArray, Skipped


@dataclass(frozen=True)
class Reason:
    """Why something cannot go or is inexact.

    Attributes:
        text: the reason in a user's words.
        quiet: evident to anybody (an image has three channels): not worth naming on its own,
            only where it keeps the output of a layer from shrinking.
    """

    text: str
    quiet: bool = False


@dataclass(frozen=True, eq=False)
class Solution:
    """The classes of labels and what is known of them; every array has one entry per label.

    Attributes:
        component: the class, named by its smallest label.
        protected: index of the reason why the class stays, or -1.
        inexact: index of the reason why removing the class is not the same as masking, or -1.
        reads: some operation sums over the position.
        writes: the position creates a channel.
        unread: something other than a weight sums over the class: only its source can silence it.
        query_width: where the position makes an element of attention queries, over how many of
            them the product with the keys runs (see `Queries`); else 0.
    """

    component: IntArray
    protected: IntArray
    inexact: IntArray
    reads: BoolArray
    writes: BoolArray
    unread: BoolArray
    query_width: IntArray


class Ledger:
    """Append-only record of edges and marks; nothing is decided before `solve`."""

    def __init__(self) -> None:
        self.reasons: list[Reason] = []
        self.notes: list[Skipped] = []
        self._reason_index: dict[Reason, int] = {}
        self._left: list[IntArray] = []
        self._right: list[IntArray] = []
        self._left_twin: list[IntArray] = []
        self._right_twin: list[IntArray] = []
        self._inexact: list[IntArray] = []
        self._inexact_why: list[IntArray] = []
        self._reads: list[IntArray] = []
        self._writes: list[IntArray] = []
        self._unread: list[IntArray] = []
        self._weight_place: list[IntArray] = []
        self._bias_place: list[IntArray] = []
        self._queries: list[IntArray] = []
        self._query_width: list[IntArray] = []

    def fixed(self, text: str, *, quiet: bool = False) -> int:
        """The fixed label that stands for this reason."""
        reason = Reason(text, quiet)
        index = self._reason_index.setdefault(reason, len(self.reasons))
        if index == len(self.reasons):
            self.reasons.append(reason)
        return -1 - index

    def unite(self, left: IntArray, right: IntArray) -> None:
        """State that labels go together; arrays broadcast. A fixed label protects its partner."""
        left, right = np.broadcast_arrays(left, right)
        apart = left != right
        self._left.append(left[apart])
        self._right.append(right[apart])

    def protect(self, labels: IntArray, fixed: int) -> None:
        """State that these labels stay, for the reason behind a fixed label."""
        self.unite(labels, np.array(fixed, dtype=np.int64))

    def twins(self, left: IntArray, right: IntArray) -> None:
        """State that two tensors make up one weight (a mask and what it masks): equal roles."""
        free = (left >= 0) & (right >= 0)
        self._left_twin.append(left[free])
        self._right_twin.append(right[free])

    def inexact(self, labels: IntArray, fixed: int) -> None:
        """State that removing these labels is not the same as masking them."""
        free = labels[labels >= 0]
        self._inexact.append(free)
        self._inexact_why.append(np.full(free.shape, -1 - fixed, dtype=np.int64))

    def reads(self, labels: IntArray) -> None:
        """State that an operation sums over these positions of a weight."""
        self._reads.append(labels[labels >= 0])

    def writes(self, labels: IntArray) -> None:
        """State that these positions of a weight create channels."""
        self._writes.append(labels[labels >= 0])

    def unread(self, labels: IntArray) -> None:
        """State that something other than a weight sums over these channels."""
        self._unread.append(labels[labels >= 0])

    def beside(self, weight: IntArray, bias: IntArray) -> None:
        """State that positions of a weight and of its bias make the same elements."""
        free = (weight >= 0) & (bias >= 0)
        self._weight_place.append(weight[free])
        self._bias_place.append(bias[free])

    def queries(self, places: IntArray, width: int) -> None:
        """State that these positions make queries whose scores are divided by the root of `width`.

        Args:
            places: positions of a weight, each one by itself.
            width: elements of one query.
        """
        free = places[places >= 0]
        self._queries.append(free)
        self._query_width.append(np.full(free.shape, width, dtype=np.int64))

    def note(self, layer: str, reason: str) -> None:
        """Name a layer that cannot be pruned although it has no labels of its own."""
        if Skipped(layer, reason) not in self.notes:
            self.notes.append(Skipped(layer, reason))

    def solve(self, size: int) -> Solution:
        """Find the classes of `size` labels."""
        left, right = _joined(self._left), _joined(self._right)
        free = (left >= 0) & (right >= 0)
        component = connected_components(size, left[free], right[free])
        half = (left >= 0) != (right >= 0)
        met, why = np.maximum(left[half], right[half]), -1 - np.minimum(left[half], right[half])
        return Solution(
            component,
            _first_reason(component, met, why),
            _first_reason(component, _joined(self._inexact), _joined(self._inexact_why)),
            self._flags(size, self._reads),
            self._flags(size, self._writes),
            self._of_class(component, self._unread),
            self._widths_of_queries(size),
        )

    def only_read(self, size: int) -> BoolArray:
        """For each label, whether the rules so far only sum over it (an input axis of a layer)."""
        return self._flags(size, self._reads) & ~self._flags(size, self._writes)

    def _of_class(self, component: IntArray, parts: list[IntArray]) -> BoolArray:
        """Flag whole classes."""
        flagged = np.zeros(len(component), dtype=np.bool_)
        flagged[component[_joined(parts)]] = True
        return flagged[component]

    def _widths_of_queries(self, size: int) -> IntArray:
        """Widths at the places of weights, and at those of their biases."""
        width = np.zeros(size, dtype=np.int64)
        width[_joined(self._queries)] = _joined(self._query_width)
        bias, weight = _joined(self._bias_place), _joined(self._weight_place)
        width[bias] = np.maximum(width[bias], width[weight])
        return width

    def _flags(self, size: int, parts: list[IntArray]) -> BoolArray:
        """Flag labels, and all twins of a flagged label."""
        twin = connected_components(size, _joined(self._left_twin), _joined(self._right_twin))
        flagged = np.zeros(size, dtype=np.bool_)
        flagged[twin[_joined(parts)]] = True
        return flagged[twin]


def _joined(parts: list[IntArray]) -> IntArray:
    return np.concatenate([np.empty(0, np.int64), *parts])


def _first_reason(component: IntArray, labels: IntArray, reasons: IntArray) -> IntArray:
    """For each label, the earliest reason given for any member of its class, or -1."""
    none = np.iinfo(np.int64).max
    best = np.full(component.shape, none, dtype=np.int64)
    np.minimum.at(best, component[labels], reasons)
    found = best[component]
    return np.where(found == none, -1, found)
