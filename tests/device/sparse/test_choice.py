"""The first gate: what it compares, what it counts in, and what it says."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeprune.device.boards import board_names, boards_with, find_board
from edgeprune.device.sparse.choice import choose, choose_for_all
from edgeprune.device.sparse.conv import ConvShape, random_mask
from edgeprune.device.sparse.formats import HWC8, LINEAR, Neighbours

_WIDE = ConvShape(512, 512, (7, 7), (7, 7), (3, 3))
_FLAT = ConvShape(128, 512, (28, 28), (28, 28), (1, 1))


@given(
    st.sampled_from(board_names()), st.floats(0, 1), st.sampled_from(["fp32", "fp16", "int8"]),
    st.sampled_from([_WIDE, _FLAT]),
)  # fmt: skip
@settings(max_examples=80, deadline=None)
def test_sparse_is_chosen_exactly_where_it_saves_a_tenth(
    name: str, sparsity: float, precision: str, shape: ConvShape
) -> None:
    found = choose(find_board(name), random_mask("conv", shape, sparsity), precision)
    if found.sparse is None or found.sparse_ms is None:
        assert precision == "int8"
        assert not found.goes_sparse
        return
    assert found.goes_sparse == (found.sparse_ms < 0.9 * found.dense.total_ms)
    assert found.chosen_ms <= found.dense.total_ms
    assert found.reason


def test_int8_never_goes_sparse() -> None:
    for name in board_names():
        found = choose(find_board(name), random_mask("", _WIDE, 0.999), "int8")
        assert (found.goes_sparse, found.sparse) == (False, None)
        assert found.reason.startswith("INT8 runs dense")


def test_copies_are_paid_where_layouts_differ_and_only_there() -> None:
    board, layer = find_board("jetson-agx-orin-64gb"), random_mask("", _WIDE, 0.92)
    foreign = choose(board, layer, formats=(LINEAR,))
    one_side = choose(board, layer, neighbours=Neighbours(LINEAR, HWC8), formats=(LINEAR,))
    compiled = choose(board, layer)
    assert foreign.reformat_ms > one_side.reformat_ms > compiled.reformat_ms == 0.0
    assert choose(board, layer, "fp32").reformat_ms == 0.0
    assert (foreign.goes_sparse, compiled.goes_sparse) == (False, True)
    assert "copies" in foreign.reason
    # Dense FP16 without tensor cores works on pairs of channels, which no sparse kernel reads.
    assert choose(find_board("jetson-nano"), layer).reformat_ms > 0


def test_a_layer_without_zeros_says_so() -> None:
    found = choose(find_board("jetson-nano"), random_mask("", _WIDE, 0.0))
    assert (found.goes_sparse, found.reason) == (False, "no weight is zero")


def test_a_class_of_boards_goes_sparse_only_where_all_win() -> None:
    boards = boards_with("87")
    for sparsity in (0.9, 0.955, 0.99):
        layer = random_mask("", _WIDE, sparsity)
        worst, board = choose_for_all(boards, layer)
        assert worst.goes_sparse == all(choose(one, layer).goes_sparse for one in boards)
        assert board in boards


def test_the_choice_is_plain_values_with_all_terms() -> None:
    found = choose(find_board("jetson-agx-orin-64gb"), random_mask("conv", _WIDE, 0.97))
    content = json.loads(json.dumps(found.as_dict()))
    assert content["sparse"].keys() >= {"issue_ms", "fma_ms", "shared_ms", "memory_ms", "launch"}
    assert content["dense"].keys() >= {"compute_ms", "memory_ms", "launch_ms", "total_ms", "units"}
    expected = content["sparse"]["total_ms"] + content["reformat_ms"]
    assert content["goes_sparse"]
    assert content["chosen_ms"] == pytest.approx(expected)
