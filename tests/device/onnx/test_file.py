"""The reader of ONNX files that a board uses, held against the `onnx` package."""

from __future__ import annotations

import contextlib
import json
import re
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from edgeprune.device.onnx.file import OnnxFileError, read_onnx
from edgeprune.device.onnx.modules import module_of
from edgeprune.export.onnx import export_onnx
from edgeprune.models.registry import build_model


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small residual network as edgeprune exports it."""
    path = tmp_path_factory.mktemp("model") / "wrn.onnx"
    model = build_model("wrn_10_1", num_classes=10)
    export_onnx(model, torch.randn(2, 3, 32, 32), path, target="jetson-orin")
    return path


def test_it_reads_what_onnx_reads(exported: Path) -> None:
    model, found = onnx.load(exported), read_onnx(exported)
    assert [(n.name, n.op, n.inputs) for n in found.nodes] == [
        (node.name, node.op_type, tuple(node.input)) for node in model.graph.node
    ]
    assert [n.metadata for n in found.nodes] == [
        {prop.key: prop.value for prop in node.metadata_props} for node in model.graph.node
    ]
    assert found.metadata == {prop.key: prop.value for prop in model.metadata_props}
    assert [(value.name, value.shape) for value in found.inputs] == [("input", (-1, 3, 32, 32))]


def test_every_convolution_finds_its_module(exported: Path) -> None:
    convolutions = {module_of(node) for node in read_onnx(exported).nodes if node.op == "Conv"}
    layers = build_model("wrn_10_1", num_classes=10).named_modules()
    assert convolutions == {n for n, layer in layers if isinstance(layer, torch.nn.Conv2d)}


def _model(**metadata: str) -> onnx.ModelProto:
    weight = numpy_helper.from_array(np.zeros((3, 3), np.float32), "fc.weight")
    values = [
        helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 3]),
        helper.make_tensor_value_info("fc.weight", TensorProto.FLOAT, [3, 3]),
    ]
    out = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 3])
    node = helper.make_node("MatMul", ["x", "fc.weight"], ["y"], name="fc")
    model = helper.make_model(helper.make_graph([node], "g", values, [out], [weight]))
    helper.set_model_props(model, metadata)
    return model


def test_weights_among_the_inputs_are_none(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(_model().SerializeToString())
    found = read_onnx(path)
    assert [value.name for value in found.inputs] == ["x"]
    assert module_of(found.nodes[0]) == "fc"


@pytest.mark.parametrize(
    ("text", "value"),
    [('"fp16"', "fp16"), ('["a", "b/ü"]', ["a", "b/ü"]), ("fp16", None), ("", None)],
)
def test_metadata_is_json_or_nothing(tmp_path: Path, text: str, value: object) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(_model(precision=text).SerializeToString())
    assert read_onnx(path).json_metadata("precision") == value
    assert read_onnx(path).json_metadata("absent") is None


def test_damaged_files_are_refused_in_one_line(exported: Path, tmp_path: Path) -> None:
    content, path = exported.read_bytes(), tmp_path / "m.onnx"
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(120):
        damaged = bytearray(content[: int(rng.integers(0, len(content)))])
        for place in rng.integers(0, max(1, len(damaged)), 6):
            if damaged:
                damaged[int(place)] = int(rng.integers(256))
        path.write_bytes(damaged)
        with contextlib.suppress(OnnxFileError):
            read_onnx(path)
            continue
        with pytest.raises(OnnxFileError, match=re.escape(str(path))) as told:
            read_onnx(path)
        refused += 1
        assert "\n" not in str(told.value)
    assert refused > 100, "a file that ends early is no model"


@pytest.mark.parametrize("content", [b"", b"\x00" * 64, b"text\n", b"\xff" * 40, b"\x3a\x00"])
def test_other_files_are_no_models(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(content)
    if content == b"\x3a\x00":  # a graph with nothing in it is one
        assert read_onnx(path).nodes == ()
        return
    with pytest.raises(OnnxFileError) as told:
        read_onnx(path)
    assert told.value.exit_code == 2


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OnnxFileError, match=r"nowhere\.onnx"):
        read_onnx(tmp_path / "nowhere.onnx")


@pytest.mark.parametrize("scopes", ["", "[", "['a']", "7", "['', 'block1.relu', 'relu']"])
def test_scopes_that_are_damaged_tell_nothing(tmp_path: Path, scopes: str) -> None:
    model = _model()
    model.graph.node[0].op_type = "Relu"
    model.graph.node[0].metadata_props.add(key="pkg.torch.onnx.name_scopes", value=scopes)
    path = tmp_path / "m.onnx"
    path.write_bytes(model.SerializeToString())
    assert module_of(read_onnx(path).nodes[0]) == ("block1.relu" if "block1" in scopes else "")


def test_it_agrees_with_the_hosts_own_reader(exported: Path) -> None:
    props = {key: json.loads(value) for key, value in read_onnx(exported).metadata.items()}
    assert props["edgeprune_version"]
