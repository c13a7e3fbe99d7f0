"""A graph of FP32 as one of FP16, with FP32 inputs and outputs.

TensorRT 10 and later take every type from the graph, so that FP16 has to be written there: weights
become FP16, and casts stand where a delicate node, the input or an output is FP32.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import onnx
from onnx import TensorProto, defs, helper, inliner, numpy_helper, shape_inference

from edgeprune.export.onnx_graph import Graph, attributes, opset_of, refuse
from edgeprune.export.precision.delicate import takes_half
from edgeprune.export.precision.norms import with_plain_norms
from edgeprune.export.precision.single import single_nodes

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

_FLOAT, _HALF = TensorProto.FLOAT, TensorProto.FLOAT16
_TYPE_ATTRIBUTES = {"Cast": "to", "EyeLike": "dtype"}


@dataclass(frozen=True)
class HalfGraph:
    """A graph of FP16.

    Attributes:
        model: its inputs and outputs are FP32.
        kept: nodes that stay FP32, by name, with the reason.
    """

    model: ModelProto
    kept: dict[str, str]


def to_half(model: ModelProto, largest: Mapping[str, float] | None = None) -> HalfGraph:
    """The same function in FP16.

    Args:
        model: a valid graph of FP32; not changed.
        largest: greatest magnitude of values on real data, by name; nodes that meet values near the
            end of FP16's range stay FP32.

    Raises:
        UnsupportedError: a node holds a graph of its own (If, Loop).
    """
    flat = with_plain_norms(inliner.inline_local_functions(model))
    writer = _Writer(flat, largest or {})
    nodes = writer.nodes()
    made = onnx.ModelProto()
    made.CopyFrom(flat)
    del made.graph.node[:], made.graph.initializer[:], made.graph.value_info[:]
    made.graph.node.extend(nodes)
    made.graph.initializer.extend(writer.constants())
    return HalfGraph(made, writer.kept)


class _Writer:
    """Goes through the nodes in their order and keeps note of each value's present type."""

    def __init__(self, model: ModelProto, largest: Mapping[str, float]) -> None:
        self._model, self._opset = model, opset_of(model)
        self._graph = Graph(shape_inference.infer_shapes(model, data_prop=True))
        self._single = single_nodes(model, self._graph, self._opset, largest)
        self._constants = _constants(model)
        self._outputs = {value.name for value in model.graph.output}
        self._type: dict[str, int] = {}
        self._cast: dict[tuple[str, int], str] = {}
        self._used: dict[str, TensorProto] = {}
        self._made: list[NodeProto] = []
        self.kept: dict[str, str] = {}

    def nodes(self) -> list[NodeProto]:
        """The graph's nodes, casts among them."""
        for node in self._model.graph.node:
            if node.op_type != "Constant":
                self._write(node)
        for name in sorted(self._outputs & self._constants.keys()):
            self._used[name] = self._constants[name]
        return self._made

    def constants(self) -> list[TensorProto]:
        """Those that are read, in the types that they are read in."""
        return list(self._used.values())

    def _write(self, node: NodeProto) -> None:
        if any(attribute.HasField("g") for attribute in node.attribute):
            raise refuse(node, "holds a graph of its own, which is not written in FP16; use fp32")
        floats = [n for n in (*node.input, *node.output) if n and self._is_float(n)]
        why = self._single.get(node.output[0])
        if why is not None:
            self.kept[node.name] = f"{node.op_type} {why}"
        made = onnx.NodeProto()
        made.CopyFrom(node)
        half = bool(floats) and why is None
        self._set_inputs(made, half)
        if half:
            _retype(made)
        after = self._set_outputs(made, half)
        self._made += [made, *after]

    def _set_inputs(self, node: NodeProto, half: bool) -> None:
        for number, name in enumerate(node.input):
            if not name:
                continue
            wanted = _HALF if half and self._may_be_half(node, "inputs", number) else _FLOAT
            is_float = self._is_float(name)
            node.input[number] = self._as(name, wanted) if is_float else self._read(name)

    def _set_outputs(self, node: NodeProto, half: bool) -> list[NodeProto]:
        """Note the outputs' types; a graph's output that became FP16 is cast back."""
        after = []
        for number, name in enumerate(node.output):
            if not name or not self._is_float(name):
                continue
            if not (half and self._may_be_half(node, "outputs", number)):
                self._type[name] = _FLOAT
            elif name in self._outputs:
                inner = node.output[number] = self._graph.fresh(f"{name}_fp16")
                after.append(_cast(inner, name, _FLOAT))
                self._type[name] = _FLOAT
                self._cast[name, _HALF] = inner
            else:
                self._type[name] = _HALF
        return after

    def _may_be_half(
        self, node: NodeProto, side: Literal["inputs", "outputs"], number: int
    ) -> bool:
        schema = defs.get_schema(node.op_type, self._opset, node.domain)
        parameters = getattr(schema, side)
        parameter = parameters[min(number, len(parameters) - 1)]
        return takes_half(schema, parameter.type_str)

    def _is_float(self, name: str) -> bool:
        constant = self._constants.get(name)
        if constant is not None:
            return bool(constant.data_type == _FLOAT)
        return self._graph.dtype(name) == _FLOAT

    def _read(self, name: str) -> str:
        if name in self._constants:
            self._used[name] = self._constants[name]
        return name

    def _as(self, name: str, wanted: int) -> str:
        """The name under which a value is there in a type."""
        if name in self._constants:
            return self._constant_as(name, wanted)
        if self._type.get(name, _FLOAT) == wanted:
            return name
        if (name, wanted) not in self._cast:
            made = self._graph.fresh(f"{name}_{'fp16' if wanted == _HALF else 'fp32'}")
            self._made.append(_cast(name, made, wanted))
            self._cast[name, wanted] = made
        return self._cast[name, wanted]

    def _constant_as(self, name: str, wanted: int) -> str:
        constant = self._constants[name]
        if wanted == _FLOAT:
            return self._read(name)
        if (name, wanted) not in self._cast:
            made = self._graph.fresh(f"{name}_fp16")
            value = numpy_helper.to_array(constant).astype(np.float16)
            self._used[made] = numpy_helper.from_array(value, made)
            self._cast[name, wanted] = made
        return self._cast[name, wanted]


def _constants(model: ModelProto) -> dict[str, TensorProto]:
    """Initializers and the tensors of Constant nodes, by the name of the value."""
    found = {tensor.name: tensor for tensor in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "Constant":
            tensor = numpy_helper.from_array(_constant_value(node), node.output[0])
            found[node.output[0]] = tensor
    return found


def _constant_value(node: NodeProto) -> np.ndarray:
    given = node.attribute[0]
    value = helper.get_attribute_value(given)
    if given.name == "value":
        return numpy_helper.to_array(value)
    return np.array(value, dtype=np.float32 if "float" in given.name else np.int64)


def _retype(node: NodeProto) -> None:
    """Have FP16 where an attribute names FP32 as the type of the output."""
    place = _TYPE_ATTRIBUTES.get(node.op_type)
    for attribute in node.attribute:
        if attribute.name == place and attribute.i == _FLOAT:
            attribute.i = _HALF
        elif node.op_type == "ConstantOfShape" and attribute.t.data_type == _FLOAT:
            value = numpy_helper.to_array(attribute.t).astype(np.float16)
            attribute.t.CopyFrom(numpy_helper.from_array(value))
    if node.op_type == "ConstantOfShape" and not attributes(node):
        zero = numpy_helper.from_array(np.zeros(1, dtype=np.float16))
        node.attribute.append(helper.make_attribute("value", zero))


def _cast(source: str, made: str, to: int) -> NodeProto:
    return helper.make_node("Cast", [source], [made], name=f"cast_{made}", to=to)
