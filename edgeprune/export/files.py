"""Exporting a model file, or a run's student, for a target."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from torch import Tensor

from edgeprune.data.randomness import keyed_generator
from edgeprune.data.registry import load_data
from edgeprune.device.targets import Target
from edgeprune.errors import UserInputError
from edgeprune.export.compare import onnx_max_abs_error
from edgeprune.export.onnx import export_onnx, target_of
from edgeprune.export.precision.apply import apply_precision
from edgeprune.export.precision.report import PrecisionReport
from edgeprune.export.precision.request import PrecisionRequest
from edgeprune.export.precision.survey import Feed
from edgeprune.export.sources import model_file, prepared, source_data
from edgeprune.export.sparse.apply import apply_sparse
from edgeprune.export.sparse.choice import OFF
from edgeprune.export.sparse.report import SparseReport
from edgeprune.export.tables import TablesReport, TableType, apply_tables, require_table_type
from edgeprune.models.input_shape import image_side, specs_of
from edgeprune.models.inputs import InputSpec, random_inputs
from edgeprune.models.load import ModelOptions, load_model
from edgeprune.models.loaded import LoadedModel
from edgeprune.scratch import scratch_beside
from edgeprune.train.progress import Progress

_RANDOM_SAMPLES = 4
_BATCH_SIZE = 64
_BATCHES = 4


@dataclass(frozen=True)
class FileExport:
    """A written ONNX file and how it was checked.

    Attributes:
        source: the model file.
        path: the ONNX file.
        bytes: its size.
        opset: version of the default operator set in it.
        target: where it is meant to run, for people.
        tensorrt: TensorRT's version there; None for another runtime.
        max_abs_error: largest difference of ONNX Runtime's outputs here from PyTorch's, in FP32.
        compared_on: the inputs of that comparison.
        precision: what FP16 or INT8 did; None in FP32.
        sparse: which convolutions became sparse; None where that was not asked for.
        tables: what became of the tables; None where nothing was asked for.
    """

    source: str
    path: str
    bytes: int
    opset: int
    target: str
    tensorrt: str | None
    max_abs_error: float
    compared_on: str
    precision: PrecisionReport | None = None
    sparse: SparseReport | None = None
    tables: TablesReport | None = None

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


def export_file(
    source: str | os.PathLike[str],
    out: str | os.PathLike[str] | None = None,
    *,
    target: str = "cpu",
    jetpack: str | None = None,
    opset: int | None = None,
    data: str | None = None,
    image_size: int | None = None,
    in_channels: int | None = None,
    options: ModelOptions | None = None,
    precision: PrecisionRequest | None = None,
    calibration_data: str | None = None,
    sparse: str = OFF,
    sparse_back: Collection[str] = (),
    rival: Path | None = None,
    tables: str = "fp32",
    progress: Progress | None = None,
) -> FileExport:
    """Write a network as ONNX for a target and compare it with PyTorch in ONNX Runtime.

    Args:
        source: a run folder, or a model file of any kind that `load_model` reads.
        out: the ONNX file; default: beside the source, with the target in its name.
        target: see `edgeprune.device.targets`.
        jetpack: release on the board.
        opset: in place of the target's.
        data: what to compare on, see `load_data`; default: random inputs.
        image_size: side in pixels, where the file does not tell.
        in_channels: of the images, where the file does not tell.
        options: what the user says about the file.
        precision: default: FP32.
        calibration_data: what FP16 and INT8 are chosen and measured on, see `load_data`; default:
            the data of a run's recipe.
        sparse: `off`, `auto`, or the convolutions that become sparse, see `choice.choose`.
        sparse_back: layers that stay dense whatever `sparse` says, since they lost on the board.
        rival: file for the same graph with every layer dense, and with its tables as they were;
            written only where a layer became sparse.
        tables: `int8` or `fp16` for what is looked up, whatever the precision of the rest;
            `fp32`: as the precision has it.
        progress: told how far it is.

    Raises:
        UserInputError: something is missing or unusable; one line.
        UnsupportedError: the network cannot be written for this target.
        AccuracyGateMissedError: the precision costs more than is allowed.
    """
    board, request = target_of(target, jetpack), precision or PrecisionRequest()
    shown = progress or Progress()
    file, table_type = model_file(Path(source)), require_table_type(tables)
    named = _name(file, target, request, sparse, table_type)
    path = Path(out) if out is not None else file.with_name(named)
    if not path.parent.is_dir():
        raise UserInputError(f"--out {path}: there is no folder {path.parent}; create it first")
    loaded = load_model(file, options or ModelOptions())
    specs = specs_of(loaded, in_channels, image_size)
    side = image_side(loaded, in_channels, image_size)
    batches, compared_on = _batches(loaded, specs, side, data, shown)
    feeds = [_feed(specs, inputs) for inputs in batches]
    known = _described(loaded, board)
    report = None
    with scratch_beside(path) as folder:
        unchecked = folder / path.name
        exported = export_onnx(
            loaded.module,
            batches[0],
            unchecked,
            target=target,
            jetpack=jetpack,
            opset=opset,
            metadata={**known, "precision": "fp32"},
        )
        error = onnx_max_abs_error(unchecked, loaded.module, batches)
        if request.name != "fp32":
            report = apply_precision(
                unchecked,
                request,
                board,
                data=source_data(
                    loaded,
                    side,
                    Path(source),
                    calibration_data,
                    "--calibration-data",
                    shown.decoding,
                ),
                fallback_feeds=feeds,
                learned=loaded.quantization,
                metadata=known,
                count=shown.counting,
            )
        packed, before = None, folder / "dense.onnx"
        if sparse != OFF:
            floats: Literal["fp32", "fp16"] = "fp32" if request.name == "fp32" else "fp16"
            shutil.copyfile(unchecked, before)
            packed = apply_sparse(
                unchecked, sparse, feeds, sm=board.sm, precision=floats, back=sparse_back
            )
            if not packed.remark and request.name == "fp32":
                error = onnx_max_abs_error(unchecked, loaded.module, batches)
        changed = None
        if table_type != "fp32":
            changed = apply_tables(unchecked, table_type, board, feeds)
        size = unchecked.stat().st_size
        if rival is not None and packed is not None and packed.any:
            before.replace(rival)
        unchecked.replace(path)
    return FileExport(
        source=str(file),
        path=str(path),
        bytes=size,
        opset=exported.opset,
        target=board.label,
        tensorrt=board.tensorrt,
        max_abs_error=error,
        compared_on=compared_on,
        precision=report,
        sparse=packed,
        tables=changed,
    )


def _name(
    file: Path, target: str, request: PrecisionRequest, sparse: str, tables: TableType
) -> str:
    kinds = [
        "" if request.name == "fp32" else request.name,
        "" if sparse == OFF else "sparse",
        "" if tables == "fp32" else f"tables-{tables}",
    ]
    return ".".join([file.stem, target, *filter(None, kinds), "onnx"])


def _batches(
    loaded: LoadedModel,
    specs: Sequence[InputSpec],
    side: int | None,
    spec: str | None,
    shown: Progress,
) -> tuple[list[tuple[Tensor, ...]], str]:
    """Inputs to compare on, and what they are."""
    if spec is None:
        generator = keyed_generator(0, "export", "example")
        return [random_inputs(specs, _RANDOM_SAMPLES, generator)], "random inputs"
    data = prepared(loaded, load_data(spec, seed=0, image_size=side, progress=shown.decoding))
    batches = data.batches("val", batch_size=_BATCH_SIZE)
    return [batch.inputs for batch in islice(batches, _BATCHES)], spec


def _feed(specs: Sequence[InputSpec], inputs: tuple[Tensor, ...]) -> Feed:
    return {spec.name: tensor.numpy() for spec, tensor in zip(specs, inputs, strict=True)}


def _described(loaded: LoadedModel, target: Target) -> dict[str, Any]:
    stored = loaded.preprocessing
    known = {
        "arch": loaded.arch,
        "classes": loaded.classes,
        "mean": stored.mean if stored else None,
        "std": stored.std if stored else None,
        "target": target.name,
        "system": target.system,
    }
    return {key: value for key, value in known.items() if value is not None}
