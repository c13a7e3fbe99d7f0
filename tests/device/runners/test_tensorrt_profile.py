"""Times of an engine's layers, and the nodes and modules that they are traced back to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgeprune.device.errors import DeviceError
from edgeprune.device.runners.tensorrt_profile import ProfilingTensorRtRunner, profile_layers
from edgeprune.device.tensorrt.origins import origins

FEED = {"x": np.ones((2, 3), np.float32)}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A graph with the nodes that the stand-in's layers are made of."""
    values = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["batch", 3]) for n in "xy"]
    weight = numpy_helper.from_array(np.eye(3, dtype=np.float32), "head.fc.weight")
    double = helper.make_node("MatMul", ["x", "head.fc.weight"], ["a"], name="node_double")
    total = helper.make_node("Relu", ["a"], ["y"], name="node_sum")
    total.metadata_props.add(key="pkg.torch.onnx.name_scopes", value="['', 'act', 'relu']")
    graph = helper.make_graph([double, total], "g", values[:1], values[1:], [weight])
    path = tmp_path / "m.onnx"
    onnx.save(helper.make_model(graph), path)
    return path


@pytest.mark.parametrize("version", ["8.2", "8.5.2", "10.3.0", "11.4.0"])
def test_layers_have_medians_nodes_and_modules(make, model: Path, version: str) -> None:
    runner = make(version, ProfilingTensorRtRunner)
    found = profile_layers(runner, FEED, onnx_file=model, warmup=1, repeats=3)
    assert [(layer.name, layer.p50_ms, layer.nodes, layer.modules) for layer in found] == [
        ("node_double", 1.0, ("node_double",), ("head.fc",)),
        ("PWN(node_sum)", 2.0, ("node_sum",), ("act",)),
        ("Reformatting CopyNode", 3.0, (), ()),
    ]
    assert all(len(times) == 3 for times in runner.times_ms.values()), "warm-up is not counted"
    assert not runner.active


def test_what_the_engine_notes_comes_before_names(make, model: Path) -> None:
    runner = make("10.3.0", ProfilingTensorRtRunner, detailed=True)
    found = profile_layers(runner, FEED, onnx_file=model, repeats=1)
    assert found[1].nodes == ("node_sum", "node_relu")


def test_without_the_model_there_are_no_modules(make) -> None:
    runner = make("10.3.0", ProfilingTensorRtRunner, detailed=True)
    found = profile_layers(runner, FEED, repeats=1)
    assert found[1].nodes == ("node_sum", "node_relu")
    assert found[1].modules == ()


def test_repeats_are_checked(make) -> None:
    with pytest.raises(DeviceError, match="repeats = 0"):
        profile_layers(make(kind=ProfilingTensorRtRunner), FEED, repeats=0)


@pytest.mark.parametrize(
    ("name", "note", "nodes"),
    [
        ("a + b", "", ("a", "b")),
        ("PWN(PWN(a), b)", "", ("a", "b")),
        ("{ForeignNode[a.../blk/c.1]}", "", ("a", "/blk/c.1")),
        ("Reformatting CopyNode for Input Tensor 0 to a", "", ("a",)),
        ("__myl_Fc_myl0_1", "[ONNX Layer: a]\x1f[ONNX Layer: z[0]]\x1e[ONNX Layer: a]",
         ("a", "z[0]")),
        ("ab", "", ()),
    ],
)  # fmt: skip
def test_origins(name: str, note: str, nodes: tuple[str, ...]) -> None:
    assert origins(name, note, {"a", "b", "/blk/c.1"}) == nodes
