"""Turns a written file into one with sparse convolutions."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import onnx
from numpy.typing import NDArray

from edgeprune.atomic import write_bytes_atomic
from edgeprune.device.sparse.node import SparseConv2d
from edgeprune.device.sparse.vcsr import Vcsr
from edgeprune.errors import EdgepruneError, UnsupportedError
from edgeprune.export.metadata import metadata_of, write_metadata
from edgeprune.export.precision.emulate import emulated, is_half
from edgeprune.export.precision.sessions import running
from edgeprune.export.precision.survey import Feed
from edgeprune.export.sparse.choice import Chosen, choose
from edgeprune.export.sparse.gate import BoardGate
from edgeprune.export.sparse.layers import ConvLayer, find_layers, with_followers
from edgeprune.export.sparse.packing import Place
from edgeprune.export.sparse.places import places
from edgeprune.export.sparse.reference_op import reference_evaluator
from edgeprune.export.sparse.report import Runtime, SparseLayer, SparseReport
from edgeprune.export.sparse.rewrite import rewritten, sparse_conv_of
from edgeprune.wording import brief

if TYPE_CHECKING:
    from onnx import ModelProto

# What another order of summing may change, of the largest output; FP16 values are rounded after
# every layer, and another rounding travels on.
_FAITHFUL = {False: 1e-4, True: 2e-2}


def apply_sparse(
    path: Path,
    wanted: str,
    feeds: Sequence[Feed],
    *,
    sm: str | None = None,
    precision: Literal["fp32", "fp16"] = "fp32",
    back: Collection[str] = (),
) -> SparseReport:
    """Rewrite a file with sparse convolutions, and compare it with what it was.

    Args:
        path: a file of FP32 or FP16, or of INT8, whose INT8 layers stay dense; replaced in one
            step.
        wanted: see `choose`.
        feeds: inputs to compare on.
        sm: compute capability of the boards that `auto` decides for, and that weights are packed
            for; None for a CPU.
        precision: that layers of floating point have there.
        back: layers that stay dense, see `choose`.

    Raises:
        UserInputError: a layer that does not exist is named.
        UnsupportedError: a layer is named that cannot become sparse.
        EdgepruneError: the sparse graph computes something else.
    """
    before = onnx.load(path)
    layers = find_layers(before)
    chosen = choose(layers, wanted, BoardGate(before, sm, precision) if sm else None, back)
    where = places(before, layers, sm, precision)
    convs = [_packed(*each) for each in zip(layers, chosen, where, strict=True)]
    report = [_reported(*each) for each in zip(layers, chosen, convs, strict=True)]
    sparse = [each for each in zip(layers, chosen, where, strict=True) if each[1].sparse]
    picked = [layer for layer, _, _ in sparse]
    size = path.stat().st_size
    if not picked:
        return SparseReport(tuple(report), size, size, 0.0, "ONNX Runtime", "")
    extended = zip(with_followers(before, picked), sparse, strict=True)
    made = rewritten(
        before, [(ly, sparse_conv_of(ly, c.vector, place)) for ly, (_, c, place) in extended]
    )
    noted = metadata_of(made, path) or {}
    write_metadata(made, {**noted, "sparse_layers": [layer.name for layer in picked]})
    _require_valid(made)
    error, runtime, remark = _compared(before, made, feeds)
    data = made.SerializeToString()
    write_bytes_atomic(path, data)
    return SparseReport(tuple(report), size, len(data), error, runtime, remark)


def _packed(layer: ConvLayer, chosen: Chosen, place: Place | None) -> SparseConv2d | None:
    if layer.obstacle or layer.density == 1.0:
        return None
    return sparse_conv_of(layer, chosen.vector, place)


def _reported(layer: ConvLayer, chosen: Chosen, conv: SparseConv2d | None) -> SparseLayer:
    weight: Vcsr | None = None if conv is None else conv.weight
    return SparseLayer(
        name=layer.name,
        sparse=chosen.sparse,
        reason=chosen.reason,
        density=layer.density,
        vector=None if weight is None else weight.vector,
        channel_tile=None if weight is None else weight.channel_tile,
        bytes_dense=None if layer.weight is None else layer.weight.nbytes,
        bytes_sparse=None if weight is None else weight.bytes,
    )


def _require_valid(model: ModelProto) -> None:
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as failure:
        first = str(failure).strip().splitlines()[0]
        raise UnsupportedError(f"the sparse graph is no valid ONNX: {first}") from failure


def _compared(
    before: ModelProto, after: ModelProto, feeds: Sequence[Feed]
) -> tuple[float, Runtime, str]:
    """Largest difference of the outputs, where the sparse graph ran, and why not elsewhere."""
    with running(emulated(before)) as dense:
        exact = [list(dense.infer(feed).values()) for feed in feeds]
    found, runtime, remark = _outputs(emulated(after), feeds)
    pairs = [pair for a, b in zip(exact, found, strict=True) for pair in zip(a, b, strict=True)]
    error = max(float(np.abs(a.astype(np.float64) - b).max(initial=0.0)) for a, b in pairs)
    largest = max(float(np.abs(a).max(initial=0.0)) for a, _ in pairs)
    if not error <= _FAITHFUL[is_half(before)] * max(largest, 1.0):
        raise EdgepruneError(
            f"the sparse graph's outputs are {error:.1e} from the dense one's in {runtime}; leave "
            "--sparse out, and please report this"
        )
    return error, runtime, remark


def _outputs(
    model: ModelProto, feeds: Sequence[Feed]
) -> tuple[list[list[NDArray[Any]]], Runtime, str]:
    try:
        with running(model) as runner:
            return [list(runner.infer(feed).values()) for feed in feeds], "ONNX Runtime", ""
    except UnsupportedError as failure:
        return _reference_outputs(model, feeds), "onnx's reference evaluator", str(failure)


def _reference_outputs(model: ModelProto, feeds: Sequence[Feed]) -> list[list[NDArray[Any]]]:
    evaluator = reference_evaluator(model)
    try:
        with np.errstate(invalid="ignore"):  # of FP16's emulation
            return [[*map(np.asarray, evaluator.run(None, dict(feed)))] for feed in feeds]
    except RuntimeError as failure:  # it lacks operators of INT8 in some opsets
        raise UnsupportedError(
            f"the sparse graph cannot be compared with the dense one here: {brief(failure)}"
        ) from failure
