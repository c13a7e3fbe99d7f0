"""A target whose clock is a formula of the graph: for what uses a meter, not for meters."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from edgeprune.deploy.meter import Figures

_REPEATS = 5


class SyntheticMeter:
    """Takes 10 µs an operator, and time for each convolution as on units of 4 channels.

    Args:
        late: what the latency of a delivered `student.onnx` is multiplied by.
        no_energy: why it measures no energy; None for a joule meter at 5 W.

    Attributes:
        measured: names of the graphs of every call.
    """

    onnx_target = "cpu"

    def __init__(self, late: float = 1.0, no_energy: str | None = "no sensor") -> None:
        self.late = late
        self._no_energy = no_energy
        self.measured: list[tuple[str, ...]] = []

    @property
    def identity(self) -> Mapping[str, Any]:
        return {"target": "a formula", "runtime": "none", "threads": 1, "batch": 1}

    @property
    def no_energy(self) -> str | None:
        return self._no_energy

    def measure(self, graphs: Mapping[str, Path]) -> Mapping[str, Figures]:
        self.measured.append(tuple(graphs))
        noise = np.random.default_rng(len(self.measured)).uniform(
            0.995, 1.005, (len(graphs), _REPEATS)
        )
        return {
            name: self._figures(latency_ms(path) * self._factor(path) * row)
            for (name, path), row in zip(graphs.items(), noise, strict=True)
        }

    def _factor(self, path: Path) -> float:
        return self.late if path.name == "student.onnx" else 1.0

    def _figures(self, times_ms: np.ndarray) -> Figures:
        times = tuple(times_ms.tolist())
        return Figures(times, None if self._no_energy else tuple(5.0 * t for t in times))


def latency_ms(path: Path) -> float:
    """What the formula gives for a graph."""
    model = onnx.shape_inference.infer_shapes(onnx.load(path))
    shapes = {tensor.name: tuple(tensor.dims) for tensor in model.graph.initializer}
    places = {
        value.name: [dim.dim_value for dim in value.type.tensor_type.shape.dim][2:]
        for value in model.graph.value_info
    }
    total = 0.01 * len(model.graph.node)
    for node in model.graph.node:
        if node.op_type == "Conv":
            out, into, *kernel = shapes[node.input[1]]
            units = -(-out // 4) * -(-into // 4) * int(np.prod(kernel))
            total += 2e-6 * 16 * units * int(np.prod(places[node.output[0]]))
    return total
