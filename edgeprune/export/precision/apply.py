"""Turns a written file of FP32 into one of another precision."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnx

from edgeprune.atomic import write_bytes_atomic
from edgeprune.data.dataset import Data
from edgeprune.device.ids import METADATA
from edgeprune.device.targets import Target
from edgeprune.errors import AccuracyGateMissedError, UserInputError
from edgeprune.export.metadata import metadata_of, write_metadata
from edgeprune.export.precision.calibration import (
    Calibration,
    Counting,
    calibration_feeds,
    silent,
    top1_score,
)
from edgeprune.export.precision.convert import (
    Converted,
    PrecisionName,
    checked,
    convert,
    is_strongly_typed,
    precision_notes,
)
from edgeprune.export.precision.report import PrecisionReport, measured
from edgeprune.export.precision.request import PrecisionRequest
from edgeprune.export.precision.survey import Feed

_MEASURED_BATCHES = 4
_BY_FLAGS = {
    "fp16": "as TensorRT 8 makes it by its builder's flags; the graph itself stays FP32",
    "int8": "TensorRT 8 makes its floats FP16 by the builder's flags, which is not shown here",
}
_ON_CPU = "shows the accuracy; ONNX Runtime is slower with it on a CPU than in fp32"


def apply_precision(
    path: Path,
    request: PrecisionRequest,
    target: Target,
    *,
    data: Data | None,
    fallback_feeds: list[Feed],
    learned: Mapping[str, float] | None,
    metadata: Mapping[str, Any],
    count: Counting = silent,
) -> PrecisionReport:
    """Rewrite a file of FP32, and measure what that did.

    Args:
        path: the file; replaced in one step.
        data: to calibrate and to measure the metric on.
        fallback_feeds: inputs that show how large values become, where there is no data.
        learned: by PyTorch module, the step of its input that training for INT8 chose.
        metadata: of the file; which ids its inputs may hold stays noted, too.
        count: told how far it is.

    Raises:
        UserInputError: INT8 without data.
        UnsupportedError: this precision cannot be written for this target.
        AccuracyGateMissedError: no layer can stay INT8, or even so more is lost than allowed.
    """
    model = onnx.load(path)
    names = tuple(value.name for value in model.graph.input)
    if data is None and request.name == "int8":
        raise UserInputError(
            "--precision int8 needs images to choose its scales: give --calibration-data"
        )
    feeds = fallback_feeds if data is None else calibration_feeds(data, names, request.samples)
    labelled = data is not None and data.task == "classification"
    score = top1_score(data, names) if data is not None and labelled else None
    allowed = request.max_accuracy_drop if score is not None else None
    how = Calibration(request.calibration, request.ends, learned or {}, score, allowed, count=count)
    converted = convert(model, request.name, target, feeds, how)
    _require_int8(converted)
    report = measured(
        model,
        converted,
        request.name,
        feeds[:_MEASURED_BATCHES],
        score=score,
        allowed_drop=allowed,
        remark=_remark(target, request.name),
    )
    if not report.holds:
        raise AccuracyGateMissedError(
            f"{request.name}: validation top-1 is {report.metric:.2f} %, fp32's "
            f"{report.metric_fp32:.2f} %; --max-accuracy-drop allows {allowed:g} points"
        )
    ids = (metadata_of(model, path) or {}).get(METADATA)
    kept = {} if ids is None else {METADATA: ids}
    notes = precision_notes(request.name, converted)
    write_metadata(converted.model, {**metadata, **kept, **notes})
    write_bytes_atomic(path, checked(converted.model, request.name).SerializeToString())
    return report


def _remark(target: Target, precision: PrecisionName) -> str:
    if target.name == "cpu":
        return _ON_CPU
    has_flags = target.tensorrt_release is not None and not is_strongly_typed(target)
    return _BY_FLAGS[precision] if has_flags else ""


def _require_int8(converted: Converted) -> None:
    """No file that is called INT8 and holds none: TensorRT 8 would ask for a calibrator, too."""
    if converted.int8 is not None and not converted.int8.nodes:
        raise AccuracyGateMissedError(
            "int8: every layer would have to go back to floating point; allow more with "
            "--max-accuracy-drop, or use --precision fp16"
        )
