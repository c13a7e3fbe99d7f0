"""Which widths a group may get."""

from __future__ import annotations

import numpy as np
import pytest

from edgeprune.prune.graph.types import AxisSlices, ChannelGraph, ChannelGroup
from edgeprune.prune.steps import allowed_widths, make_steps
from edgeprune.prune.width_rules import WidthRules


def _group(size: int, positions: int = 1) -> ChannelGroup:
    channel = np.repeat(np.arange(size), positions)
    index = np.arange(size * positions)
    slices = AxisSlices("w", 0, index, channel, writes=True)
    return ChannelGroup("g", size, (slices,))


def _widths(size: int, *, original: int | None = None, positions: int = 1, **settings) -> list[int]:
    values = {"round_to": 8, "floor": 0.1, "split_small": False, **settings}
    return allowed_widths(_group(size, positions), original or size, **values)


def test_wide_groups_keep_multiples():
    assert _widths(32) == [24, 16, 8]


def test_odd_widths_first_step_to_a_multiple():
    assert _widths(20) == [16, 8]
    assert _widths(9) == [8]


def test_the_floor_is_rounded_up_and_refers_to_the_original_width():
    assert _widths(160)[-1] == 16
    assert _widths(40, original=160) == [32, 24, 16]
    assert _widths(16, original=160) == []


def test_ten_percent_of_eighty_is_eight():
    assert _widths(80, round_to=1)[-1] == 8


def test_narrow_groups_go_channel_by_channel_and_keep_one():
    assert _widths(5) == [4, 3, 2, 1]
    assert _widths(5, floor=0.5) == [4, 3]
    assert _widths(5, floor=0.0)[-1] == 1


def test_a_group_of_exactly_the_rounding_is_split_only_when_asked():
    assert _widths(8) == []
    assert _widths(8, split_small=True) == [7, 6, 5, 4, 3, 2, 1]


def test_what_is_rounded_is_the_width_of_the_tensors():
    # A channel with four positions: multiples of two channels are multiples of eight.
    assert _widths(8, positions=4) == [6, 4, 2]
    assert _widths(8, positions=16) == [7, 6, 5, 4, 3, 2, 1]


def test_steps_take_the_least_important_first():
    graph = ChannelGraph((_group(4),), (), (), {"w": (4,)})
    scores = [np.array([4.0, 1.0, 3.0, 2.0])]
    steps = make_steps(graph, scores, {"g": 4}, WidthRules(1, 0.0), split_small=False)
    assert steps.score.tolist() == [1.0, 2.0, 3.0]
    assert steps.size.tolist() == [1, 1, 1]
    assert steps.fraction.tolist() == pytest.approx([0.125, 0.375, 0.625])


def test_a_step_of_many_channels_has_their_mean():
    graph = ChannelGraph((_group(8),), (), (), {"w": (8,)})
    scores = [np.arange(8.0)]
    steps = make_steps(graph, scores, {"g": 8}, WidthRules(4, 0.0), split_small=False)
    assert steps.score.tolist() == [1.5]
    assert steps.lost.tolist() == [6.0]


def test_locked_and_unscored_groups_have_no_steps():
    graph = ChannelGraph((_group(4),), (), (), {"w": (4,)})
    rules = WidthRules(1, 0.0)
    assert len(make_steps(graph, [np.full(4, np.nan)], {"g": 4}, rules, split_small=False)) == 0
    locked = make_steps(graph, [np.ones(4)], {"g": 4}, rules, split_small=False, locked={0})
    assert len(locked) == 0
