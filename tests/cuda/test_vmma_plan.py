"""Plans for tensor cores: launches that cover the output, and reasons where there is none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sparse_harness.build import plan_library
from sparse_harness.planner import Planner
from sparse_harness.structures import FLOAT16, FLOAT32, HWC8, LINEAR, Convolution, TacticStruct
from sparse_harness.vmma_cases import draw_vmma_convolution

BASE = Convolution(channels=64, outputs=128, size=(14, 14), type=FLOAT16, vector=32)


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 1 << 30))
def test_every_tactic_covers_the_output(seed: int) -> None:
    planner = Planner(plan_library())
    conv = draw_vmma_convolution(np.random.default_rng(seed))
    if min(conv.output_size) < 1:
        assert planner.tactics(conv) == []
        return
    for tactic in planner.tactics(conv):
        plan = planner.plan(conv, tactic)
        arguments = plan.arguments
        height, width = conv.output_size
        across = -(-arguments.tile_columns // 8)
        rows = -(-conv.outputs // conv.groups // 32)
        down = plan.grid[0] // arguments.tiles_across
        assert plan.kernel.decode().startswith("edgeprune_vmma_f16_")
        assert plan.kernel.decode().endswith(f"_p{tactic.pixels_per_lane}")
        assert arguments.tiles_across * arguments.tile_columns >= width
        assert down * tactic.pixels_per_lane >= height > (down - 1) * tactic.pixels_per_lane
        assert tactic.warps % across == 0
        assert arguments.blocks_per_group * (tactic.warps // across) >= rows
        assert plan.grid[1] == conv.groups * arguments.blocks_per_group
        assert (plan.grid[2], plan.block) == (conv.batch, 32 * tactic.warps)
        assert arguments.raw_offset % 16 == arguments.tile_offset % 16 == 0


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 1 << 30))
def test_the_default_is_one_of_the_tactics(seed: int) -> None:
    planner = Planner(plan_library())
    conv = draw_vmma_convolution(np.random.default_rng(seed))
    plan = planner.plan(conv, planner.default_tactic(conv))
    assert bool(plan.reason) == (not planner.tactics(conv))


@pytest.mark.parametrize(
    ("change", "tactic", "told"),
    [
        ({"type": FLOAT32}, {}, "run the layer dense"),
        ({"type": FLOAT32, "layout": HWC8}, {}, "float16 only"),
        ({"sm": 72}, {}, "tensor cores of sm_80; this is sm_72"),
        ({}, {"pixels_per_lane": 5}, "no kernel is compiled for vector 32"),
        ({}, {"groups_per_warp": 2}, "no kernel is compiled for vector 32"),
        ({}, {"lane_split": 2}, "no kernel is compiled for vector 32"),
        ({}, {"tile_columns": 65}, "use 1 to 64"),
        ({}, {"warps": 3}, "a tile of 14 columns takes 2 of them, or a multiple"),
        ({}, {"warps": 16}, "use 1 to 8"),
        ({"channel_tile": 512, "channels": 512}, {}, "smaller channel tile"),
    ],
)
def test_a_reason_in_words(
    planner: Planner, change: dict[str, object], tactic: dict[str, int], told: str
) -> None:
    conv = replace(BASE, **change)  # type: ignore[arg-type]
    chosen = {
        "tile_columns": 14, "pixels_per_lane": 4, "groups_per_warp": 1, "lane_split": 1,
        "warps": 4, "staging": 0, **tactic,
    }  # fmt: skip
    assert told in planner.plan(conv, TacticStruct(**chosen)).reason.decode()


@pytest.mark.parametrize("size", [56, 32, 28, 16, 14, 8, 7])
@pytest.mark.parametrize("layout", [LINEAR, HWC8])
def test_default_tactics_cover_little_beside_the_output(
    planner: Planner, size: int, layout: int
) -> None:
    """At full density, where steps are filled up little."""
    conv = replace(BASE, size=(size, size), layout=layout)
    tactic = planner.default_tactic(conv, density=0.2)
    assert planner.lane_use(conv, tactic, density=1.0) > 0.85 * 144 / 151.5


def test_no_asynchronous_copies_where_not_asked_for(planner: Planner) -> None:
    assert planner.default_tactic(replace(BASE, sm=87)).staging == 1
    assert planner.tactics(replace(BASE, sm=72)) == []


def test_names_are_unique(planner: Planner) -> None:
    names = planner.kernel_names
    assert len(set(names)) == len(names)
    assert "edgeprune_vmma_f16_linear_v32_p4" in names
