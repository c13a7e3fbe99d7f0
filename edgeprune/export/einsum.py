"""Einsum as other parsers read it: as a matrix product where it is one, else in small letters.

TensorRT refuses capital letters and spaces in an equation (torchvision's MaxViT has them), and
fuses attention around matrix products only.
"""

from __future__ import annotations

import string
from dataclasses import dataclass
from typing import TYPE_CHECKING

from onnx import helper

from edgeprune.export.onnx_graph import Graph, attributes

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto


@dataclass(frozen=True)
class _Product:
    """A product of matrices, in labels: batch axes, rows of a, the axis summed over, columns."""

    batch: str
    row: str
    inner: str
    column: str
    a: str
    b: str
    out: str


def plain_einsums(model: ModelProto) -> None:
    """Rewrite every Einsum of a graph, in place."""
    graph = Graph(model)
    nodes: list[NodeProto] = []
    for node in model.graph.node:
        nodes += _rewritten(node, graph) if node.op_type == "Einsum" else [node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def _rewritten(node: NodeProto, graph: Graph) -> list[NodeProto]:
    equation = _in_small_letters(attributes(node)["equation"].decode())
    product = _as_product(equation)
    if product is None or len(node.input) != 2:
        del node.attribute[:]
        node.attribute.append(helper.make_attribute("equation", equation))
        return [node]
    made: list[NodeProto] = []
    a = _moved(node.input[0], product.a, product.batch + product.row + product.inner, graph, made)
    b = _moved(
        node.input[1], product.b, product.batch + product.inner + product.column, graph, made
    )
    order = product.batch + product.row + product.column
    result = node.output[0] if order == product.out else graph.fresh(f"{node.output[0]}_product")
    multiplied = helper.make_node("MatMul", [a, b], [result], name=node.name)
    multiplied.metadata_props.extend(node.metadata_props)
    made.append(multiplied)
    if order != product.out:
        made.append(_transpose(result, order, product.out, node.output[0]))
    return made


def _in_small_letters(equation: str) -> str:
    """Without spaces, and with letters from a on; left alone where there are too many."""
    packed = equation.replace(" ", "")
    labels = list(dict.fromkeys(letter for letter in packed if letter.isalpha()))
    if len(labels) > len(string.ascii_lowercase):
        return packed
    names = dict(zip(labels, string.ascii_lowercase, strict=False))
    return "".join(names.get(letter, letter) for letter in packed)


def _as_product(equation: str) -> _Product | None:
    """The product that an equation of two operands is; None for any other."""
    inputs, arrow, out = equation.partition("->")
    operands = inputs.split(",")
    if not arrow or len(operands) != 2 or "." in equation:
        return None
    a, b = operands
    if any(len(set(labels)) != len(labels) for labels in (a, b, out)):
        return None
    batch = "".join(letter for letter in out if letter in a and letter in b)
    inner = "".join(letter for letter in a if letter in b and letter not in out)
    row = "".join(letter for letter in a if letter not in b)
    column = "".join(letter for letter in b if letter not in a)
    is_product = len(inner) == len(row) == len(column) == 1
    if not is_product or set(out) != set(batch + row + column):
        return None
    return _Product(batch, row, inner, column, a, b, out)


def _moved(name: str, labels: str, wanted: str, graph: Graph, made: list[NodeProto]) -> str:
    """The value with its axes in another order."""
    if labels == wanted:
        return name
    moved = graph.fresh(f"{name}_moved")
    made.append(_transpose(name, labels, wanted, moved))
    return moved


def _transpose(name: str, labels: str, wanted: str, output: str) -> NodeProto:
    order = [labels.index(letter) for letter in wanted]
    return helper.make_node("Transpose", [name], [output], name=f"transpose_{output}", perm=order)
