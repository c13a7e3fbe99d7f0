"""Precision on TensorRT 8: from the file's metadata to flags and types of layers."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import onnx
import pytest
from onnx import TensorProto, helper
from tensorrt_surface import rebuilt

from edgeprune.device.errors import DeviceError
from edgeprune.device.tensorrt.precision import Precision, apply_precision, read_precision


def _file(tmp_path: Path, **metadata: Any) -> Path:
    values = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["batch", 3]) for n in "xy"]
    graph = helper.make_graph(
        [helper.make_node("Relu", ["x"], ["y"], name="relu")], "g", values[:1], values[1:]
    )
    model = helper.make_model(graph)
    helper.set_model_props(model, {key: json.dumps(value) for key, value in metadata.items()})
    onnx.save(model, tmp_path / "m.onnx")
    return tmp_path / "m.onnx"


@pytest.mark.parametrize(
    ("metadata", "flags", "nodes"),
    [
        ({}, (), ()),
        ({"precision": "fp32", "fp32_nodes": ["relu"]}, (), ()),
        ({"precision": "fp16"}, ("FP16",), ()),
        ({"precision": "fp16", "fp32_nodes": ["relu"]}, ("FP16",), ("relu",)),
        ({"precision": "int8", "fp32_nodes": []}, ("FP16", "INT8"), ()),
    ],
)
def test_the_file_says_its_precision(
    tmp_path: Path, metadata: dict[str, Any], flags: tuple[str, ...], nodes: tuple[str, ...]
) -> None:
    assert read_precision(_file(tmp_path, **metadata)) == Precision(flags, nodes)


@pytest.mark.parametrize("metadata", [{"precision": "fp4"}, {"precision": "fp16",
                                                              "fp32_nodes": "relu"}])  # fmt: skip
def test_a_precision_that_does_not_exist_is_refused(
    tmp_path: Path, metadata: dict[str, Any]
) -> None:
    with pytest.raises(DeviceError, match=r"m\.onnx: asks for precision .* export it") as told:
        read_precision(_file(tmp_path, **metadata))
    assert told.value.exit_code == 2


class Network:
    """Layers of one version, with outputs of a type each."""

    def __init__(self, module: Any, layers: list[tuple[str, str, str]]) -> None:
        self.num_layers = len(layers)
        self._layers = [self._layer(module, *layer) for layer in layers]

    def get_layer(self, number: int) -> Any:
        return self._layers[number]

    @staticmethod
    def _layer(module: Any, name: str, note: str, kind: str) -> Any:
        class Layer(module.ILayer):
            def get_output(self, number: int) -> Any:
                return SimpleNamespace(dtype=module.DataType[kind])

        layer = Layer()
        values = {"name": name, "metadata": note, "num_outputs": 1}
        for key in set(values) & Layer.allowed:
            object.__setattr__(layer, key, values[key])
        return layer


@pytest.mark.parametrize("version", ["8.5.2", "8.6.1"])
def test_named_nodes_stay_in_fp32(version: str) -> None:
    module = rebuilt(version)
    layers = [
        ("conv", "[ONNX Layer: conv]", "FLOAT"),
        ("norm", "[ONNX Layer: norm]", "FLOAT"),
        ("(Unnamed Layer* 2) [Constant]", "[ONNX Layer: norm]", "FLOAT"),
        ("shape", "[ONNX Layer: shape]", "INT32"),
    ]
    network, config = Network(module, layers), module.IBuilderConfig()
    note = apply_precision(
        module, config, network, Precision(("FP16",), ("norm", "shape", "absent"))
    )
    flags = module.BuilderFlag
    assert config.told == [
        ("set_flag", (flags.FP16,)), ("set_flag", (flags.OBEY_PRECISION_CONSTRAINTS,)),
    ]  # fmt: skip
    kept = [("precision", module.DataType.FLOAT), ("set_output_type", (0, module.DataType.FLOAT))]
    helper_layer = kept if version == "8.6.1" else []  # 8.5 does not tell where it came from
    assert [network.get_layer(n).told for n in range(4)] == [[], kept, helper_layer, []]
    assert note == "no layers for the FP32 nodes absent"


def test_without_named_nodes_there_are_no_constraints() -> None:
    module = rebuilt("8.6.1")
    config = module.IBuilderConfig()
    assert not apply_precision(module, config, Network(module, []), Precision(("FP16", "INT8")))
    flags = module.BuilderFlag
    assert config.told == [("set_flag", (flags.FP16,)), ("set_flag", (flags.INT8,))]
