"""What values of a graph are like on real data."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, shape_inference

from edgeprune.device.runners.onnxruntime import OnnxRuntimeRunner
from edgeprune.errors import UserInputError
from edgeprune.export.onnx_graph import Graph
from edgeprune.export.precision.histogram import Histogram
from edgeprune.export.precision.sessions import running

if TYPE_CHECKING:
    from onnx import ModelProto

Feed = Mapping[str, NDArray[Any]]
# Of all values of a graph together: those of a large network take hundreds of MB an image.
_MOST_BYTES = 2**28


def histograms(
    model: ModelProto, values: Collection[str], feeds: Iterable[Feed]
) -> dict[str, Histogram]:
    """The histogram of every named value over all feeds.

    Raises:
        UserInputError: there are no feeds, or a value becomes infinite or not a number.
    """
    found = {name: Histogram() for name in values}
    inputs = {value.name for value in model.graph.input}
    inner = sorted(set(values) - inputs)
    seen = 0
    with running(with_outputs(model, inner)) as runner:
        for feed, outputs in _in_portions(runner, feeds):
            seen += 1
            for name, histogram in found.items():
                taken = feed[name] if name in inputs else outputs[name]
                if not np.isfinite(taken).all():
                    raise UserInputError(
                        f"the value '{name}' is not finite on this data: the network overflows in "
                        "FP32 already; check its weights and the normalisation"
                    )
                histogram.add(taken)
    if not seen:
        raise UserInputError("no data to calibrate on: give at least one batch")
    return found


def largest_magnitudes(model: ModelProto, feeds: Iterable[Feed]) -> dict[str, float]:
    """The greatest magnitude of every FP32 value that a node computes, by name."""
    names = float_values(model)
    found = dict.fromkeys(names, 0.0)
    with running(with_outputs(model, names)) as runner:
        for _, outputs in _in_portions(runner, feeds):
            for name, values in outputs.items():
                if name in found and values.size:
                    found[name] = max(found[name], float(np.abs(values).max()))
    return found


def float_values(model: ModelProto) -> tuple[str, ...]:
    """Names of all FP32 values that nodes compute."""
    graph = Graph(shape_inference.infer_shapes(model))
    return tuple(
        name
        for node in model.graph.node
        if node.op_type != "Constant"
        for name in node.output
        if name and graph.dtype(name) == TensorProto.FLOAT
    )


def _in_portions(
    runner: OnnxRuntimeRunner, feeds: Iterable[Feed]
) -> Iterator[tuple[Feed, dict[str, NDArray[Any]]]]:
    """Inputs and outputs of as many samples at once as their outputs leave memory for."""
    size = 0
    for feed in feeds:
        count = len(next(iter(feed.values())))
        if not size:
            one = runner.infer(_samples(feed, 0, 1))
            size = max(1, _MOST_BYTES // max(1, sum(values.nbytes for values in one.values())))
        for start in range(0, count, size):
            part = _samples(feed, start, start + size)
            yield part, runner.infer(part)


def _samples(feed: Feed, start: int, stop: int) -> Feed:
    return {name: values[start:stop] for name, values in feed.items()}


def with_outputs(model: ModelProto, values: Collection[str]) -> ModelProto:
    """The graph with more outputs."""
    made = onnx.ModelProto()
    made.CopyFrom(model)
    there = {value.name for value in made.graph.output}
    made.graph.output.extend(
        helper.make_tensor_value_info(name, TensorProto.FLOAT, None)
        for name in values
        if name not in there
    )
    return made
