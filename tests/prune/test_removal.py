"""Removals as data, and the positions they leave."""

from __future__ import annotations

import json

import numpy as np
import pytest

from edgeprune.errors import UserInputError
from edgeprune.prune.removal import (
    Removal,
    check_removal,
    kept_outputs,
    kept_positions,
    make_removal,
)


def test_plain_values_bring_it_back(residual):
    removal = residual.remove(inner=[3, 1], stem=[7])
    again = Removal.from_dict(json.loads(json.dumps(removal.as_dict())))
    assert [gone.tolist() for gone in again.channels] == [g.tolist() for g in removal.channels]
    assert again.count == 3
    assert not again.is_empty


def test_channels_are_sorted_and_unique():
    assert make_removal([[3, 1, 3]]).channels[0].tolist() == [1, 3]


def test_restriction_keeps_only_the_named_groups(residual):
    removal = residual.remove(inner=[0], stem=[1])
    only = removal.restricted_to([residual.group("inner")])
    assert only.touched() == (residual.group("inner"),)
    assert only.count == 1


def test_a_channel_takes_all_its_flattened_positions(flattened):
    removal = flattened.remove(hidden=[4])
    kept = kept_positions(flattened.graph, removal)
    assert kept["hidden.weight", 0].tolist() == [i for i in range(20) if i != 4]
    assert kept["fc.weight", 1].tolist() == [i for i in range(20) if i != 4]
    group = flattened.group("grouped")
    one = make_removal([[0] if i == group else [] for i in range(len(flattened.graph.groups))])
    # Two convolution groups of four, four positions each in the linear layer.
    assert len(kept_positions(flattened.graph, one)["hidden.weight", 1]) == 32 - 2 * 4


def test_outputs_of_a_module_shrink_with_its_stream(residual):
    removal = residual.remove(stem=[0, 5])
    assert kept_outputs(residual.graph, removal, "outer").tolist() == [1, 2, 3, 4, 6, 7]
    assert kept_outputs(residual.graph, removal, "fc").tolist() == list(range(5))


@pytest.mark.parametrize("gone", [[8], [-1], list(range(8))])
def test_channels_that_cannot_go_are_refused(residual, gone):
    with pytest.raises(UserInputError, match="group 'stem' of 8"):
        check_removal(residual.graph, residual.remove(stem=gone))


def test_a_removal_of_another_network_is_refused(residual):
    with pytest.raises(UserInputError, match="channel groups"):
        check_removal(residual.graph, Removal((np.array([0]),)))
