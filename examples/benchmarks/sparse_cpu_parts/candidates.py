"""What is compared on one layer: ONNX Runtime's dense convolution, and the sparse one two ways."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from edgeprune.device.runners.onnxruntime import OnnxRuntimeRunner
from edgeprune.device.sparse.cpu import CpuSparseConv2d
from edgeprune.export.sparse.layers import find_layers, with_followers
from edgeprune.export.sparse.rewrite import rewritten, sparse_conv_of
from sparse_cpu_parts.layers import ConvLayer

Array = NDArray[Any]
DENSE = "dense"
_CLOSE = 1e-3  # of sums of up to 4608 products of drawn numbers


def candidates(
    layer: ConvLayer,
    batch: int,
    cases: list[tuple[int, float]],
    threads: int,
    folder: Path,
    stack: contextlib.ExitStack,
) -> dict[str, Callable[[], object]]:
    """Calls of one inference each, by name: `dense`, `kernel V DENSITY`, `runtime V DENSITY`.

    All compute convolution, bias and ReLU; each sparse one is checked against the dense one with
    the same zeros before anything is timed.

    Args:
        cases: V and density of each mask.
        folder: for graphs.
        stack: what closes the sessions.
    """
    rng = np.random.default_rng(0)
    weight = rng.standard_normal((layer.outputs, layer.inputs, 3, 3)).astype(np.float32)
    x = rng.standard_normal((batch, layer.inputs, layer.side, layer.side)).astype(np.float32)
    dense = _runner(_graph(layer, weight), folder / "dense.onnx", threads, stack)
    found: dict[str, Callable[[], object]] = {DENSE: lambda: dense.infer({"x": x})}
    for vector, density in cases:
        kept = rng.random((-(-layer.outputs // vector), layer.inputs, 3, 3)) < density
        masked = _graph(layer, weight * np.repeat(kept, vector, axis=0)[: layer.outputs])
        (part,) = with_followers(masked, find_layers(masked))
        conv = sparse_conv_of(part, vector)
        path = folder / f"{vector}-{density}.onnx"
        runner = _runner(rewritten(masked, [(part, conv)]), path, threads, stack)
        kernel = CpuSparseConv2d(conv, threads)
        out = kernel(x)
        with OnnxRuntimeRunner(_saved(masked, folder / "masked.onnx")) as exact:
            _require_close(exact.infer({"x": x})["y"], out, runner.infer({"x": x})["y"])
        found[f"kernel {vector} {density}"] = _bound(kernel, x, out)
        found[f"runtime {vector} {density}"] = lambda runner=runner: runner.infer({"x": x})
    return found


def _bound(kernel: CpuSparseConv2d, x: Array, out: Array) -> Callable[[], object]:
    return lambda: kernel(x, out=out)


def _require_close(exact: Array, *found: Array) -> None:
    for one in found:
        error = float(np.abs(exact - one).max())
        if not error <= _CLOSE:
            raise RuntimeError(f"the sparse convolution is {error:.1e} from the dense one")


def _graph(layer: ConvLayer, weight: Array) -> onnx.ModelProto:
    nodes = [
        helper.make_node("Conv", ["x", "w", "b"], ["c"], name="conv", pads=[1] * 4,
                         strides=[layer.stride] * 2),
        helper.make_node("Relu", ["c"], ["y"], name="relu"),
    ]  # fmt: skip
    bias = np.linspace(-1, 1, layer.outputs, dtype=np.float32)
    infos = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", channels, None, None])
        for name, channels in (("x", layer.inputs), ("y", layer.outputs))
    ]
    constants = [numpy_helper.from_array(weight, "w"), numpy_helper.from_array(bias, "b")]
    graph = helper.make_graph(nodes, "layer", infos[:1], infos[1:], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


def _runner(
    model: onnx.ModelProto, path: Path, threads: int, stack: contextlib.ExitStack
) -> OnnxRuntimeRunner:
    return stack.enter_context(OnnxRuntimeRunner(_saved(model, path), threads))


def _saved(model: onnx.ModelProto, path: Path) -> Path:
    onnx.save(model, path)
    return path
