"""The sparse nodes of an ONNX file, and the file with operators in their place that call us."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Iterator

import numpy as np

from edgeprune.device.onnx.attributes import attributes_of
from edgeprune.device.onnx.encode import bytes_field, number_field, text_field, without
from edgeprune.device.onnx.file import mapped
from edgeprune.device.onnx.protobuf import fields, submessages, text, texts
from edgeprune.device.sparse.node import DOMAIN, OP_TYPE, SparseConv2d

CALL_DOMAIN = "ai.onnx.contrib"
CALL_OP, CALL_OP_WITH_RESIDUAL = "EdgepruneSparseConv2d", "EdgepruneSparseConv2dAdd"
CALL_ATTRIBUTE = "layer"
_MODEL_GRAPH, _MODEL_OPSET = 7, 8
_GRAPH_NODE = 1
_INPUT, _OUTPUT, _NAME, _OP, _ATTRIBUTE, _DOMAIN = 1, 2, 3, 4, 5, 7
_ATTRIBUTE_INT_FIELD, _ATTRIBUTE_TYPE, _INT_TYPE = 3, 20, 2
_OPSET_DOMAIN, _OPSET_VERSION = 1, 2
_FLOAT, _HALF = 1, 10


def has_sparse_nodes(path: Path) -> bool:
    """Whether a file has sparse convolutions.

    Raises:
        DamagedMessageError: the file is no ONNX model.
    """
    return any(_is_sparse(node) for node in _nodes(mapped(path)))


def with_calls(path: Path, number_of: Callable[[SparseConv2d], int]) -> bytes:
    """The model with a call in place of every sparse convolution.

    ONNX Runtime's Python operators take few kinds of attributes, so a call carries a number alone.
    They take FP32 alone, so one of FP16 has casts around it.

    Args:
        number_of: keeps a convolution and gives the number that its call carries.

    Raises:
        DamagedMessageError: the file is no ONNX model.
        VcsrError: a node's attributes make no sense.
    """
    parts = []
    for number, value in fields(mapped(path)):
        if number == _MODEL_GRAPH and isinstance(value, memoryview):
            parts.append(bytes_field(number, b"".join(_graph(value, number_of))))
        elif isinstance(value, int):
            parts.append(number_field(number, value))
        else:
            parts.append(bytes_field(number, value))
    opset = text_field(_OPSET_DOMAIN, CALL_DOMAIN) + number_field(_OPSET_VERSION, 1)
    return b"".join([*parts, bytes_field(_MODEL_OPSET, opset)])


def _nodes(model: memoryview) -> Iterator[memoryview]:
    for graph in submessages(model, _MODEL_GRAPH):
        yield from submessages(graph, _GRAPH_NODE)


def _is_sparse(node: memoryview) -> bool:
    return text(node, _OP) == OP_TYPE and text(node, _DOMAIN) == DOMAIN


def _graph(graph: memoryview, number_of: Callable[[SparseConv2d], int]) -> Iterator[bytes]:
    for number, value in fields(graph):
        if isinstance(value, int):
            yield number_field(number, value)
        elif number == _GRAPH_NODE and _is_sparse(value):
            for node in _calls(value, number_of):
                yield bytes_field(_GRAPH_NODE, node)
        else:
            yield bytes_field(number, value)


def _calls(node: memoryview, number_of: Callable[[SparseConv2d], int]) -> Iterator[bytes]:
    """The call, and casts where the node is one of FP16."""
    conv = SparseConv2d.from_attributes(attributes_of(node))
    call = _Call(
        name=text(node, _NAME),
        inputs=tuple(name for name in texts(node, _INPUT) if name),
        output=text(node, _OUTPUT),
        number=number_of(conv),
    )
    kept = without(node, frozenset({_INPUT, _OUTPUT, _NAME, _OP, _ATTRIBUTE, _DOMAIN}))
    if conv.weight.val.dtype != np.float16:
        yield call.encoded() + kept
        return
    wide = tuple(f"{call.output}/fp32/{place}" for place in range(len(call.inputs) + 1))
    for source, target in zip(call.inputs, wide[1:]):
        yield _cast(source, target, _FLOAT)
    yield _Call(call.name, wide[1:], wide[0], call.number).encoded() + kept
    yield _cast(wide[0], call.output, _HALF)


@dataclass(frozen=True)
class _Call:
    name: str
    inputs: tuple[str, ...]
    output: str
    number: int

    def encoded(self) -> bytes:
        op = CALL_OP if len(self.inputs) == 1 else CALL_OP_WITH_RESIDUAL
        return (
            _head(self.inputs, self.output, self.name, op)
            + text_field(_DOMAIN, CALL_DOMAIN)
            + _integer(CALL_ATTRIBUTE, self.number)
        )


def _cast(source: str, target: str, to: int) -> bytes:
    return _head((source,), target, f"{target}/cast", "Cast") + _integer("to", to)


def _head(inputs: tuple[str, ...], output: str, name: str, op: str) -> bytes:
    parts = [text_field(_INPUT, source) for source in inputs]
    parts += [text_field(_OUTPUT, output), text_field(_NAME, name), text_field(_OP, op)]
    return b"".join(parts)


def _integer(name: str, value: int) -> bytes:
    made = (
        text_field(1, name)
        + number_field(_ATTRIBUTE_INT_FIELD, value)
        + number_field(_ATTRIBUTE_TYPE, _INT_TYPE)
    )
    return bytes_field(_ATTRIBUTE, made)
