"""`--sparse auto` for boards: the cost model decides, and its reason is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from onnx import shape_inference

from edgeprune.device.boards import boards_with
from edgeprune.device.sparse.choice import choose_for_all
from edgeprune.device.sparse.conv import masked_conv
from edgeprune.export.onnx_graph import Graph
from edgeprune.export.sparse.choice import Chosen
from edgeprune.export.sparse.layers import ConvLayer
from edgeprune.export.sparse.places import conv_shape

if TYPE_CHECKING:
    from onnx import ModelProto


class BoardGate:
    """Sparse where the model sees it win, for one image, on every board of a compute capability.

    Args:
        model: the graph of the layers.
        sm: compute capability without the dot, of which there are boards.
        precision: that layers of floating point have on the board.
    """

    def __init__(self, model: ModelProto, sm: str, precision: Literal["fp32", "fp16"]) -> None:
        self._graph = Graph(shape_inference.infer_shapes(model, data_prop=True))
        self._boards = boards_with(sm)
        self._precision = precision

    def __call__(self, layer: ConvLayer) -> Chosen:
        """The choice for one layer."""
        if layer.obstacle:
            return Chosen(False, layer.obstacle)
        shape = conv_shape(layer, self._graph)
        if shape is None:
            return Chosen(False, "the size of its input is not known, so nothing is predicted")
        assert layer.weight is not None
        masked = masked_conv(layer.name, shape, layer.weight)
        found, board = choose_for_all(self._boards, masked, self._precision)
        others = f", at worst of {len(self._boards)} boards" if found.goes_sparse else ""
        vector = found.sparse.launch.vector if found.goes_sparse and found.sparse else None
        reason = f"predicted for {board.name}{others}: {found.reason}"
        return Chosen(found.goes_sparse, reason, vector)
