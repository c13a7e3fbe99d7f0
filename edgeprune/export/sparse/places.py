"""How large a graph's convolutions are, and where they run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from onnx import shape_inference

from edgeprune.device.boards import boards_with
from edgeprune.device.sparse.conv import ConvShape
from edgeprune.device.sparse.formats import LINEAR, dense_format, sparse_formats
from edgeprune.export.onnx_graph import Graph, attributes
from edgeprune.export.sparse.layers import ConvLayer
from edgeprune.export.sparse.packing import Place

if TYPE_CHECKING:
    from onnx import ModelProto


def places(
    model: ModelProto,
    layers: Sequence[ConvLayer],
    sm: str | None,
    precision: Literal["fp32", "fp16"],
) -> list[Place | None]:
    """Of every layer, for one image; None without a board, or where its size is not known.

    The layout is that of the dense layers around it, where the sparse kernel has it: then nothing
    is copied.

    Args:
        model: the graph of the layers.
        sm: compute capability without the dot, of which there are boards.
        precision: that layers of floating point have on the board.
    """
    if sm is None:
        return [None] * len(layers)
    graph = Graph(shape_inference.infer_shapes(model, data_prop=True))
    around = dense_format(boards_with(sm)[0], precision)
    layout = around if around in sparse_formats(precision) else LINEAR
    shapes = [conv_shape(layer, graph) for layer in layers]
    return [None if shape is None else Place(shape, int(sm), layout) for shape in shapes]


def conv_shape(layer: ConvLayer, graph: Graph) -> ConvShape | None:
    """Sizes of a layer for one image; None where the graph does not tell them."""
    before, after = (graph.shape(name) for name in (layer.conv.input[0], layer.conv.output[0]))
    if before is None or after is None or layer.weight is None:
        return None
    if len(before) != len(after) or None in (*before[1:], *after[1:]):
        return None
    given, outputs = attributes(layer.conv), layer.weight.shape[0]
    return ConvShape(
        in_channels=layer.weight.shape[1] * layer.group,
        out_channels=outputs,
        in_size=_pair(before[2:]),
        out_size=_pair(after[2:]),
        kernel=_pair(layer.weight.shape[2:]),
        stride=_pair(given.get("strides", (1, 1))),
        dilation=_pair(given.get("dilations", (1, 1))),
        groups=layer.group,
    )


def _pair(sizes: Iterable[Any]) -> tuple[int, int]:
    height, width = sizes
    return int(height), int(width)
