"""What a rewriting may ask of a graph: constants, shapes, types, and names nobody uses yet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from edgeprune.errors import UnsupportedError

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto


class Graph:
    """The constants and shapes of a model's graph, and names nobody uses yet.

    Args:
        model: with shapes inferred as far as they can be.
    """

    def __init__(self, model: ModelProto) -> None:
        self._initializers = {tensor.name: tensor for tensor in model.graph.initializer}
        self._constants = {
            node.output[0]: node.attribute[0].t
            for node in model.graph.node
            if node.op_type == "Constant" and node.attribute[0].name == "value"
        }
        graph = model.graph
        values = [*graph.input, *graph.value_info, *graph.output]
        self._shapes = {
            value.name: _shape(value)
            for value in values
            if value.type.tensor_type.HasField("shape")
        }
        self._shapes |= {name: list(t.dims) for name, t in self._initializers.items()}
        self._types = {value.name: value.type.tensor_type.elem_type for value in values}
        self._types |= {name: t.data_type for name, t in self._initializers.items()}
        self._used = {name for node in graph.node for name in (*node.input, *node.output)}
        self.added: list[onnx.TensorProto] = []

    def constant(self, name: str) -> NDArray[Any] | None:
        """The value of a constant; None where it is computed."""
        tensor = self._initializers.get(name) or self._constants.get(name)
        return None if tensor is None else numpy_helper.to_array(tensor)

    def shape(self, name: str) -> list[int | None] | None:
        """The shape of a value, None for an axis that is free; None where the rank is unknown."""
        return self._shapes.get(name)

    def dtype(self, name: str) -> int:
        """Element type of a value, as in `TensorProto`; FLOAT where it is not noted."""
        return self._types.get(name, 0) or onnx.TensorProto.FLOAT

    def add(self, near: str, value: NDArray[Any]) -> str:
        """A new constant; returns its name."""
        name = self.fresh(near)
        self.added.append(numpy_helper.from_array(value, name))
        return name

    def fresh(self, near: str) -> str:
        """A name that is not taken, like `near`."""
        number = 0
        while (name := f"{near}_{number}") in self._used:
            number += 1
        self._used.add(name)
        return name


def opset_of(model: ModelProto) -> int:
    """Version of the default operator set."""
    return next(
        (entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), 0
    )


def drop_unread(model: ModelProto) -> None:
    """Remove constants that no node reads, in place."""
    read = {name for node in model.graph.node for name in node.input}
    read |= {value.name for value in model.graph.output}
    for tensor in [t for t in model.graph.initializer if t.name not in read]:
        model.graph.initializer.remove(tensor)
    constants = [n for n in model.graph.node if n.op_type == "Constant" and n.output[0] not in read]
    for node in constants:
        model.graph.node.remove(node)


def attributes(node: NodeProto) -> dict[str, Any]:
    """Attribute values by name."""
    return {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}


def like(node: NodeProto, inputs: Sequence[str], **values: Any) -> NodeProto:
    """The node with other inputs, and these attributes in place of its own; None leaves one out."""
    made = helper.make_node(
        node.op_type,
        list(inputs),
        list(node.output),
        name=node.name,
        **{name: value for name, value in values.items() if value is not None},
    )
    made.metadata_props.extend(node.metadata_props)
    return made


def refuse(node: NodeProto, why: str) -> UnsupportedError:
    """What stands in the way, and where."""
    place = f" '{node.name}'" if node.name else ""
    return UnsupportedError(f"{node.op_type}{place} {why}")


def _shape(value: Any) -> list[int | None]:
    dims = value.type.tensor_type.shape.dim
    return [dim.dim_value if dim.HasField("dim_value") else None for dim in dims]
