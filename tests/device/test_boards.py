"""The table of boards: its figures and their sources, and how wrong names are refused."""

from __future__ import annotations

import pytest

from edgeprune.device.boards import board_names, boards_with, find_board
from edgeprune.device.targets import UnknownTargetError, find_target, target_names


@pytest.mark.parametrize("name", board_names())
def test_every_figure_is_possible_and_has_a_source(name: str) -> None:
    board = find_board(name)
    assert 1 <= board.sm_count <= 32
    assert 0.5 < board.clock_ghz < 2.5
    assert 20 < board.bandwidth_gb_s < 400
    assert board.fp32_fma_per_clock in (64, 128)
    assert board.fp16_fma_per_clock == 2 * board.fp32_fma_per_clock
    assert board.tensor_fma_per_clock % 512 == 0
    assert board.source
    assert board.rates_source


@pytest.mark.parametrize(
    ("name", "tflops", "tensor_tflops"),
    [
        # Printed in the data sheets; tensor cores without structured sparsity.
        ("jetson-agx-orin-64gb", 5.32, 42.5),
        ("jetson-agx-orin-32gb", 3.365, 27.0),
        ("jetson-orin-nano-super", 2.089, 17.0),
        ("jetson-thor-t5000", 8.064, 258.0),
        ("jetson-xavier-nx", 0.845, 6.75),
    ],
)
def test_peaks_are_those_of_the_data_sheets(name: str, tflops: float, tensor_tflops: float) -> None:
    board = find_board(name)
    clocks = 2e-9 * board.clocks_per_ms
    assert clocks * board.fp32_fma_per_clock == pytest.approx(tflops, rel=0.01)
    assert clocks * board.tensor_fma_per_clock == pytest.approx(tensor_tflops, rel=0.02)


def test_every_jetson_target_has_boards() -> None:
    for name in target_names():
        sm = find_target(name).sm
        assert sm is None or boards_with(sm)


def test_an_unknown_board_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UnknownTargetError, match=r"board orin: .* use jetson-nano, "):
        find_board("orin")
