"""Plans: launches that cover the output, and reasons in words where there is none."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sparse_harness.build import plan_library
from sparse_harness.planner import Planner
from sparse_harness.structures import FLOAT16, FLOAT32, HWC8, LINEAR, Convolution, TacticStruct

BASE = Convolution(channels=64, outputs=64, size=(14, 14))


@st.composite
def convolutions(draw: st.DrawFn) -> Convolution:
    """Layers of all kinds, mostly small."""
    groups = draw(st.sampled_from([1, 1, 2, 3]))
    half = draw(st.booleans())
    return Convolution(
        channels=groups * draw(st.integers(1, 40)),
        outputs=groups * draw(st.integers(1, 40)),
        size=(draw(st.integers(5, 60)), draw(st.integers(5, 60))),
        kernel=(draw(st.integers(1, 5)), draw(st.integers(1, 5))),
        stride=(draw(st.integers(1, 3)), draw(st.integers(1, 3))),
        pads=tuple(draw(st.integers(0, 2)) for _ in range(4)),  # type: ignore[arg-type]
        dilation=(1, draw(st.integers(1, 2))) if draw(st.booleans()) else (1, 1),
        groups=groups,
        vector=draw(st.sampled_from([1, 2, 4, 8])),
        channel_tile=draw(st.integers(1, 24)),
        batch=draw(st.integers(1, 3)),
        type=FLOAT16 if half else FLOAT32,
        layout=draw(st.sampled_from([LINEAR, HWC8])) if half else LINEAR,
    )


@settings(max_examples=150, deadline=None)
@given(conv=convolutions())
def test_every_tactic_covers_the_output(conv: Convolution) -> None:
    planner = Planner(plan_library())
    if min(conv.output_size) < 1:
        assert planner.tactics(conv) == []
        return
    for tactic in planner.tactics(conv):
        plan = planner.plan(conv, tactic)
        arguments = plan.arguments
        height, width = conv.output_size
        down = plan.grid[0] // arguments.tiles_across
        assert (arguments.output_height, arguments.output_width) == (height, width)
        assert arguments.tiles_across * arguments.tile_columns >= width
        assert down * tactic.pixels_per_lane >= height
        assert (down - 1) * tactic.pixels_per_lane < height
        assert plan.grid[2] == conv.batch
        assert plan.block == 32 * tactic.warps
        assert plan.shared_bytes <= 163 * 1024
        assert arguments.raw_offset % 16 == arguments.columns_offset % 16 == 0
        assert plan.kernel.decode() in planner.kernel_names


@settings(max_examples=100, deadline=None)
@given(conv=convolutions())
def test_the_default_is_one_of_the_tactics(conv: Convolution) -> None:
    planner = Planner(plan_library())
    plan = planner.plan(conv, planner.default_tactic(conv))
    assert bool(plan.reason) == (not planner.tactics(conv))


@pytest.mark.parametrize(
    ("change", "tactic", "told"),
    [
        ({"vector": 32}, {}, "tensor cores, which take float16"),
        ({"vector": 3}, {}, "vector length 3"),
        ({"groups": 5}, {}, "do not make 5 groups"),
        ({"channel_tile": 8000}, {}, "16 bits reach 1 to 7281"),
        ({"channel_tile": 300, "channels": 512}, {}, "where a block has 166912"),
        ({"channel_tile": 64, "channels": 512, "sm": 53}, {}, "where a block has 49152"),
        ({"size": (1, 1), "pads": (0, 0, 0, 0)}, {}, "larger than the padded input of 1 x 1"),
        ({"layout": HWC8}, {}, "float16 only"),
        ({"sm": 72}, {"staging": 1}, "cp.async needs sm_80; this is sm_72"),
        ({}, {"tile_columns": 33}, "use 1 to 32"),
        ({}, {"warps": 9}, "use 1 to 8"),
        ({"sm": 72}, {"warps": 17}, "use 1 to 16"),
        ({"pads": (-1, 0, 0, 0)}, {}, "padding is not negative"),
        ({"activation": 2, "clip": (6.0, 0.0)}, {}, "above the upper one"),
        ({"batch": 70000}, {}, "65535 are allowed"),
        ({"batch": 0}, {}, "at least 1"),
    ],
)
def test_a_reason_in_words(
    planner: Planner, change: dict[str, object], tactic: dict[str, int], told: str
) -> None:
    conv = replace(BASE, **change)  # type: ignore[arg-type]
    chosen = {
        "tile_columns": 14, "pixels_per_lane": 8, "groups_per_warp": 1, "lane_split": 1,
        "warps": 4, "staging": 0, **tactic,
    }  # fmt: skip
    assert told in planner.plan(conv, TacticStruct(**chosen)).reason.decode()


@pytest.mark.parametrize("size", [56, 32, 28, 16, 14, 8, 7])
@pytest.mark.parametrize("type_", [FLOAT32, FLOAT16])
def test_default_tactics_fill_the_lanes(planner: Planner, size: int, type_: int) -> None:
    conv = replace(BASE, size=(size, size), type=type_, channels=512, channel_tile=48)
    tactic = planner.default_tactic(replace(conv, channel_tile=16))
    assert planner.lane_use(conv, tactic, density=0.2) > 0.85


@pytest.mark.parametrize("vector", [1, 2, 4, 8])
def test_a_default_for_a_layer_without_weights(planner: Planner, vector: int) -> None:
    conv = replace(BASE, vector=vector)
    assert not planner.plan(conv, planner.default_tactic(conv, density=0.0)).reason


def test_no_asynchronous_copies_before_ampere(planner: Planner) -> None:
    assert planner.default_tactic(replace(BASE, sm=72)).staging == 0
    assert planner.default_tactic(replace(BASE, sm=110)).staging == 1
    assert {tactic.staging for tactic in planner.tactics(replace(BASE, sm=53))} == {0}


def test_names_are_unique(planner: Planner) -> None:
    names = planner.kernel_names
    assert len(set(names)) == len(names)
    assert "edgeprune_direct_f32_linear_v4_g1_p8_s1" in names
