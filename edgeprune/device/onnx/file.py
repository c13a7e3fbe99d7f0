"""Inputs, nodes and metadata of an ONNX file; weights are stepped over (schema: onnx.proto)."""

from __future__ import annotations

import contextlib
import json
import mmap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeprune.device.errors import DeviceError
from edgeprune.device.onnx.protobuf import DamagedMessageError, numbers, submessages, text, texts

_MODEL_GRAPH, _MODEL_METADATA = 7, 14
_GRAPH_NODE, _GRAPH_INITIALIZER, _GRAPH_INPUT = 1, 5, 11
_NODE_INPUT, _NODE_OUTPUT, _NODE_NAME, _NODE_OP, _NODE_METADATA = 1, 2, 3, 4, 9
_TENSOR_NAME = 8
FLOAT, INT64 = 1, 7


class OnnxFileError(DeviceError):
    """A file that is no ONNX model; exit code 2."""

    exit_code = 2


@dataclass(frozen=True)
class OnnxInput:
    """An input of the graph; an axis without a fixed size is -1.

    Attributes:
        elem_type: as in `TensorProto.DataType`.
    """

    name: str
    shape: tuple[int, ...]
    elem_type: int = FLOAT


@dataclass(frozen=True)
class OnnxNode:
    """A node of the graph, with the names of its inputs and outputs and its metadata."""

    name: str
    op: str
    inputs: tuple[str, ...]
    metadata: dict[str, str]
    outputs: tuple[str, ...] = ()


@dataclass(frozen=True)
class OnnxFile:
    """What a board needs of a model.

    Attributes:
        inputs: that a user gives; weights are none.
        nodes: in the order of the file.
        metadata: of the model.
    """

    inputs: tuple[OnnxInput, ...]
    nodes: tuple[OnnxNode, ...]
    metadata: dict[str, str]

    def json_metadata(self, key: str) -> Any:
        """A value that `edgeprune export` noted; None without one or where it is damaged."""
        with contextlib.suppress(ValueError):
            return json.loads(self.metadata.get(key, "null"))
        return None


def read_onnx(path: Path) -> OnnxFile:
    """Read a model.

    Raises:
        OnnxFileError: the file is missing or no ONNX model.
    """
    try:
        return _model(mapped(path))
    except (OSError, DamagedMessageError) as failure:
        raise OnnxFileError(
            f"{path}: is no ONNX model ({failure}); edgeprune export writes one"
        ) from failure


def mapped(path: Path) -> memoryview:
    """The file's bytes without reading all of them: a board seldom has memory to spare."""
    with path.open("rb") as stream:
        if not path.stat().st_size:
            raise DamagedMessageError("it is empty")
        return memoryview(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ))


def _model(content: memoryview) -> OnnxFile:
    graphs = list(submessages(content, _MODEL_GRAPH))
    if not graphs:
        raise DamagedMessageError("it has no graph")
    graph = graphs[-1]
    weights = {text(tensor, _TENSOR_NAME) for tensor in submessages(graph, _GRAPH_INITIALIZER)}
    inputs = (_input(value) for value in submessages(graph, _GRAPH_INPUT))
    return OnnxFile(
        inputs=tuple(value for value in inputs if value.name not in weights),
        nodes=tuple(_node(node) for node in submessages(graph, _GRAPH_NODE)),
        metadata=_pairs(content, _MODEL_METADATA),
    )


def _node(message: memoryview) -> OnnxNode:
    return OnnxNode(
        name=text(message, _NODE_NAME),
        op=text(message, _NODE_OP),
        inputs=tuple(texts(message, _NODE_INPUT)),
        metadata=_pairs(message, _NODE_METADATA),
        outputs=tuple(texts(message, _NODE_OUTPUT)),
    )


def _input(message: memoryview) -> OnnxInput:
    """ValueInfoProto: name 1, type 2; TypeProto.tensor_type 1; its type 1, shape 2; dim 1."""
    shape: list[int] = []
    elem_type = FLOAT
    for kind in submessages(message, 2):
        for tensor in submessages(kind, 1):
            elem_type = (numbers(tensor, 1) or [FLOAT])[-1]
            for dims in submessages(tensor, 2):
                shape = [(numbers(dim, 1) or [-1])[-1] for dim in submessages(dims, 1)]
    return OnnxInput(text(message, 1), tuple(shape), elem_type)


def _pairs(message: memoryview, number: int) -> dict[str, str]:
    return {text(pair, 1): text(pair, 2) for pair in submessages(message, number)}
