"""What two networks' layers have in common, and profiles of several turns as one."""

from __future__ import annotations

import pytest

from edgeprune.device.onnx.file import OnnxNode
from edgeprune.device.race.parts import SPARSE_OP, as_profile, medians, parts_of
from edgeprune.device.race.race import ProfiledLayer
from edgeprune.device.sparse.node import OP_TYPE

CONV = OnnxNode("node_conv", "Conv", ("x", "block.conv.weight"), {}, ("c",))
ADD = OnnxNode("node_add", "Add", ("c", "r"), {}, ("a",))
SPARSE = OnnxNode("node_add", SPARSE_OP, ("x", "r"), {"edgeprune.module": "block.conv"}, ("a",))


def test_a_sparse_node_shares_its_parts_with_what_it_was_made_from() -> None:
    assert SPARSE_OP == OP_TYPE
    assert parts_of([CONV, ADD]) == parts_of([SPARSE]) == ("block.conv", "node_add")


def test_a_convolution_without_a_module_goes_by_its_name() -> None:
    unknown = OnnxNode("node_conv", "Conv", ("x", "constant_7"), {})
    packed = OnnxNode("node_conv", SPARSE_OP, ("x",), {"edgeprune.module": "node_conv"})
    assert parts_of([unknown]) == parts_of([packed]) == ("node_conv",)


def test_layers_that_tell_their_nodes() -> None:
    times_ms = {"conv + add": 0.2, "Reformatting CopyNode": 0.1}
    nodes = {"conv + add": ("node_conv", "node_add", "gone"), "Reformatting CopyNode": ()}
    assert as_profile(times_ms, nodes, [CONV, ADD]) == (
        ProfiledLayer("conv + add", 0.2, ("block.conv", "node_add")),
        ProfiledLayer("Reformatting CopyNode", 0.1, ()),
    )


def test_a_slow_turn_does_not_count() -> None:
    turns = [[ProfiledLayer("a", ms, ("a",)), ProfiledLayer("b", 2 * ms, ())] for ms in (1, 9, 2)]
    assert [layer.p50_ms for layer in medians(turns)] == [2, 4]
    assert medians(turns[:2])[0].p50_ms == pytest.approx(5)
