"""Precision on TensorRT 8, which decides it by flags of the builder; later versions read the graph.

`edgeprune export` notes in the ONNX file what it was written for: `precision` is fp32, fp16 or
int8, `fp32_nodes` names nodes that must not be rounded to less.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeprune.device.onnx.file import read_onnx
from edgeprune.device.tensorrt.origins import origins
from edgeprune.device.tensorrt.settings import EngineSettingError

# INT8 engines of TensorRT 8 take FP16 for what is not quantised, where that is faster.
FLAGS = {"fp32": (), "fp16": ("FP16",), "int8": ("FP16", "INT8")}


@dataclass(frozen=True)
class Precision:
    """What a file asks for.

    Attributes:
        flags: names of the builder's flags.
        fp32_nodes: names of nodes that stay in FP32.
    """

    flags: tuple[str, ...] = ()
    fp32_nodes: tuple[str, ...] = ()


def read_precision(onnx_file: Path) -> Precision:
    """What `edgeprune export` noted; FP32 where nothing is.

    Raises:
        EngineSettingError: the file asks for a precision that does not exist.
        OnnxFileError: it is no ONNX model.
    """
    model = read_onnx(onnx_file)
    asked = model.json_metadata("precision") or "fp32"
    nodes = model.json_metadata("fp32_nodes") or []
    if asked not in FLAGS or not isinstance(nodes, list):
        raise EngineSettingError(
            f"{onnx_file}: asks for precision {asked!r}; there is {', '.join(FLAGS)}: export it "
            "again"
        )
    return Precision(FLAGS[asked], tuple(map(str, nodes)) if FLAGS[asked] else ())


def apply_precision(module: Any, config: Any, network: Any, precision: Precision) -> str:
    """Set the flags, and the types of the layers that stay in FP32.

    Returns:
        Which of the named nodes are no layers; empty where all were found.
    """
    flags = module.BuilderFlag
    for name in precision.flags:
        config.set_flag(getattr(flags, name))
    if not precision.fp32_nodes:
        return ""
    config.set_flag(flags.OBEY_PRECISION_CONSTRAINTS)
    missing = set(precision.fp32_nodes)
    for number in range(network.num_layers):
        layer = network.get_layer(number)
        made_from = origins(layer.name, getattr(layer, "metadata", ""), {layer.name})
        named = set(made_from) & set(precision.fp32_nodes)
        if named:
            missing -= named
            _keep(layer, module.DataType.FLOAT)
    return f"no layers for the FP32 nodes {', '.join(sorted(missing))}" if missing else ""


def _keep(layer: Any, fp32: Any) -> None:
    """Compute and give out FP32; layers of integers, such as shapes, have no say in it."""
    outputs = [n for n in range(layer.num_outputs) if layer.get_output(n).dtype == fp32]
    if outputs:
        layer.precision = fp32
    for number in outputs:
        layer.set_output_type(number, fp32)
