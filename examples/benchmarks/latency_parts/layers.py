"""The other way to predict a latency: every convolution measured alone, at a grid of widths."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from edgeprune.deploy.meter import Meter

_TOGETHER = 10  # graphs that have turns with each other


@dataclass(frozen=True)
class Layer:
    """A convolution with everything its time depends on but its widths.

    Attributes:
        size: of the images that it reads.
        kernel: side.
        stride: of it.
    """

    size: int
    kernel: int
    stride: int


@dataclass(frozen=True)
class Place:
    """A convolution in a graph: what it is like, and its widths (in, out)."""

    layer: Layer
    widths: tuple[int, int]


def places_of(path: Path) -> list[Place]:
    """The convolutions of a graph, in order."""
    model = onnx.shape_inference.infer_shapes(onnx.load(path))
    values = [*model.graph.input, *model.graph.value_info]
    sizes = {v.name: [d.dim_value for d in v.type.tensor_type.shape.dim] for v in values}
    weights = {tensor.name: tuple(tensor.dims) for tensor in model.graph.initializer}
    found = []
    for node in model.graph.node:
        if node.op_type != "Conv":
            continue
        out, into, kernel, _ = weights[node.input[1]]
        strides = next(list(a.ints) for a in node.attribute if a.name == "strides")
        found.append(Place(Layer(sizes[node.input[0]][2], kernel, strides[0]), (into, out)))
    return found


class LayerTables:
    """Times of single convolutions between their grid's widths, by bilinear interpolation.

    Args:
        dense: convolutions of the dense network.
        grid: widths that a width is measured at, itself the last.
        meter: what measures.
        folder: for graphs.
    """

    def __init__(
        self,
        dense: Sequence[Place],
        grid: Mapping[int, Sequence[int]],
        meter: Meter,
        folder: Path,
    ) -> None:
        self._dense = dense
        self._grid = grid
        wanted = sorted(
            {
                (place.layer, widths)
                for place in dense
                for widths in itertools.product(*(grid[width] for width in place.widths))
            },
            key=str,
        )
        self._times: dict[tuple[Layer, tuple[int, int]], float] = {}
        for begin in range(0, len(wanted), _TOGETHER):
            part = wanted[begin : begin + _TOGETHER]
            paths = {f"layer-{n}": _write(folder, n, *one) for n, one in enumerate(part)}
            found = meter.measure(paths)
            for n, one in enumerate(part):
                self._times[one] = float(np.median(found[f"layer-{n}"].latency_ms))

    @property
    def measured(self) -> int:
        """Number of graphs."""
        return len(self._times)

    def saved_ms(self, places: Sequence[Place]) -> float:
        """What the convolutions of a narrowed network save."""
        return sum(
            self._at(before, before.widths) - self._at(before, after.widths)
            for before, after in zip(self._dense, places, strict=True)
        )

    def _at(self, dense: Place, widths: tuple[int, int]) -> float:
        rows, columns = (self._grid[width] for width in dense.widths)
        over_rows = [
            np.interp(widths[1], columns, [self._times[dense.layer, (r, c)] for c in columns])
            for r in rows
        ]
        return float(np.interp(widths[0], rows, over_rows))


def _write(folder: Path, number: int, layer: Layer, widths: tuple[int, int]) -> Path:
    into, out = widths
    weight = np.random.default_rng(0).standard_normal((out, into, layer.kernel, layer.kernel))
    pad = layer.kernel // 2
    conv = helper.make_node(
        "Conv", ["input", "weight"], ["middle"], pads=[pad] * 4, strides=[layer.stride] * 2
    )
    relu = helper.make_node("Relu", ["middle"], ["output"])
    side = layer.size
    after = (side + 2 * pad - layer.kernel) // layer.stride + 1
    graph = helper.make_graph(
        [conv, relu],
        "layer",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, into, side, side])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, out, after, after])],
        [numpy_helper.from_array(weight.astype(np.float32), "weight")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path = folder / f"layer-{number}.onnx"
    onnx.save(model, path)
    return path
