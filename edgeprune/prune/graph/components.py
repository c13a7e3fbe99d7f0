"""Connected components of large graphs, without a Python loop over nodes or edges."""

from __future__ import annotations

import numpy as np

from edgeprune.prune.graph.types import IntArray


def connected_components(size: int, left: IntArray, right: IntArray) -> IntArray:
    """Label every node with the smallest node of its component.

    Roots hook onto smaller roots along all remaining edges at once, then pointer jumping flattens
    the trees (Shiloach and Vishkin, "An O(log n) parallel connectivity algorithm", 1982).

    Args:
        size: number of nodes; nodes are `0..size-1`.
        left: one end of each edge, shape (edges,).
        right: the other end, shape (edges,).

    Returns:
        Shape (size,): the component of each node, named by its smallest member.
    """
    parent = np.arange(size, dtype=np.int64)
    while True:
        left, right = parent[left], parent[right]
        apart = left != right
        if not apart.any():
            return parent
        left, right = left[apart], right[apart]
        np.minimum.at(parent, np.maximum(left, right), np.minimum(left, right))
        parent = _flatten(parent)


def _flatten(parent: IntArray) -> IntArray:
    """Point every node straight at its root."""
    while True:
        above = parent[parent]
        if np.array_equal(above, parent):
            return parent
        parent = above
