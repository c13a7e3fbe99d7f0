"""A graph of FP32 in the precision that is asked for, as the target's runtime wants it.

TensorRT 10 and later, and TensorRT for RTX, take every type from the graph: FP16 is written into
it, and INT8 has FP16 scales and FP16 around it, since the rest would run in FP32 otherwise.
TensorRT 8 decides itself between the types that its builder's flags allow: its graphs stay FP32,
with INT8's scales in them, and the file says which flags they are meant for. ONNX Runtime on a CPU
takes both as they are written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import onnx

from edgeprune.device.targets import Target
from edgeprune.errors import UnsupportedError, UserInputError
from edgeprune.export.onnx_graph import opset_of
from edgeprune.export.precision.emulate import emulated
from edgeprune.export.precision.half import to_half
from edgeprune.export.precision.int8 import Int8Plan, as_written, plan_int8, write_int8
from edgeprune.export.precision.survey import Feed, largest_magnitudes

if TYPE_CHECKING:
    from onnx import ModelProto

    from edgeprune.export.precision.calibration import Calibration

PrecisionName = Literal["fp32", "fp16", "int8"]
_STRONGLY_TYPED = (10, 0)
_HALF_SCALES_SINCE = 19  # opset


@dataclass(frozen=True)
class Converted:
    """A graph in a precision.

    Attributes:
        model: the graph; inputs and outputs are FP32.
        kept_fp32: nodes that stay FP32 where the rest is FP16, by name, with the reason.
        int8: what is INT8; None in the other precisions.
        by_flags: the graph as flags of TensorRT 8's builder make it, to measure in its place; None
            where the graph says all.
    """

    model: ModelProto
    kept_fp32: dict[str, str] = field(default_factory=dict)
    int8: Int8Plan | None = None
    by_flags: ModelProto | None = None


def convert(
    model: ModelProto,
    precision: PrecisionName,
    target: Target,
    feeds: Sequence[Feed],
    calibration: Calibration | None = None,
) -> Converted:
    """The graph in a precision, for a target.

    Args:
        model: a valid graph of FP32 in the target's opset; not changed.
        feeds: inputs that show how large values become; for INT8, calibration data.
        calibration: how INT8 is to be chosen; required for it.

    Raises:
        UserInputError: INT8 without calibration.
        UnsupportedError: the graph cannot be written in this precision for this target.
    """
    if precision == "fp32":
        return Converted(model)
    by_flags = target.tensorrt_release is not None and not is_strongly_typed(target)
    half = precision == "fp16" or is_strongly_typed(target)
    plan = None
    written = model
    largest = largest_magnitudes(model, feeds) if half or by_flags else {}
    if precision == "int8":
        if calibration is None:
            raise UserInputError("--precision int8 needs --calibration-data: a few hundred images")
        _require_half_scales(model, target)
        plan = plan_int8(
            model,
            feeds,
            calibration,
            half_scales=half,
            runs_as=(lambda graph: emulated(to_half(graph, largest).model)) if half else as_written,
        )
        written = write_int8(model, plan, half_scales=half, integer_weights=not by_flags)
    if by_flags:  # they allow FP16 in INT8 engines too, for what is not quantised
        halved = to_half(model, largest)
        return Converted(written, halved.kept, plan, None if plan else halved.model)
    if not half:
        return Converted(written, {}, plan)
    halved = to_half(written, largest)
    return Converted(halved.model, halved.kept, plan)


def is_strongly_typed(target: Target) -> bool:
    """Whether the runtime takes types from the graph and has no flags for them."""
    release = target.tensorrt_release
    return target.name == "rtx" or (release is not None and release >= _STRONGLY_TYPED)


def checked(model: ModelProto, precision: PrecisionName) -> ModelProto:
    """The graph, if ONNX's full checker accepts it.

    Raises:
        UnsupportedError: it does not.
    """
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as failure:
        first = str(failure).strip().splitlines()[0]
        raise UnsupportedError(f"the graph in {precision} is no valid ONNX: {first}") from failure
    return model


def precision_notes(precision: PrecisionName, converted: Converted) -> dict[str, Any]:
    """What travels in the file's metadata; TensorRT 8's builder reads the first two."""
    notes: dict[str, Any] = {"precision": precision, "fp32_nodes": list(converted.kept_fp32)}
    if converted.int8 is not None:
        notes["calibration"] = converted.int8.calibration
        notes["int8_nodes"] = sorted(converted.int8.nodes)
    return notes


def _require_half_scales(model: ModelProto, target: Target) -> None:
    if is_strongly_typed(target) and opset_of(model) < _HALF_SCALES_SINCE:
        raise UnsupportedError(
            f"--opset {opset_of(model)}: INT8 for {target.label} needs scales in FP16, which ONNX "
            f"has since opset {_HALF_SCALES_SINCE}"
        )
