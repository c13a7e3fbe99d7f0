"""Connected components against a plain union-find."""

from __future__ import annotations

import time

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeprune.prune.graph.components import connected_components


def _union_find(size: int, edges: list[tuple[int, int]]) -> list[int]:
    parent = list(range(size))

    def root(x: int) -> int:
        while parent[x] != x:
            x = parent[x]
        return x

    for a, b in edges:
        low, high = sorted((root(a), root(b)))
        parent[high] = low
    return [root(x) for x in range(size)]


@st.composite
def _graphs(draw: st.DrawFn) -> tuple[int, list[tuple[int, int]]]:
    size = draw(st.integers(1, 40))
    node = st.integers(0, size - 1)
    return size, draw(st.lists(st.tuples(node, node), max_size=80))


@settings(max_examples=200, deadline=None)
@given(_graphs())
def test_components_equal_union_find(graph: tuple[int, list[tuple[int, int]]]) -> None:
    size, edges = graph
    ends = np.array(edges, dtype=np.int64).reshape(-1, 2)
    assert connected_components(size, ends[:, 0], ends[:, 1]).tolist() == _union_find(size, edges)


@settings(max_examples=50, deadline=None)
@given(_graphs(), st.randoms())
def test_order_of_edges_does_not_matter(
    graph: tuple[int, list[tuple[int, int]]], random: object
) -> None:
    size, edges = graph
    ends = np.array(edges, dtype=np.int64).reshape(-1, 2)
    shuffled = ends.copy()
    random.shuffle(edges)  # type: ignore[attr-defined]
    shuffled = np.array(edges, dtype=np.int64).reshape(-1, 2)
    before = connected_components(size, ends[:, 0], ends[:, 1])
    after = connected_components(size, shuffled[:, 1], shuffled[:, 0])
    assert np.array_equal(before, after)


def test_long_chain_needs_no_loop_over_nodes() -> None:
    size = 300_000
    order = np.random.default_rng(0).permutation(size).astype(np.int64)
    started = time.process_time()
    found = connected_components(size, order[:-1], order[1:])
    assert (found == 0).all()
    assert time.process_time() - started < 5


def test_no_edges_leave_every_node_alone() -> None:
    none = np.empty(0, dtype=np.int64)
    assert connected_components(3, none, none).tolist() == [0, 1, 2]
