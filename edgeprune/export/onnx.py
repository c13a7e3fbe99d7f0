"""PyTorch to ONNX: one file, any batch size, checked, and nothing printed."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from edgeprune.atomic import write_bytes_atomic
from edgeprune.device.ids import METADATA
from edgeprune.device.targets import Target, UnknownTargetError, find_target
from edgeprune.errors import EdgepruneError, UnsupportedError, UserInputError
from edgeprune.export.bags import plain_bags
from edgeprune.export.einsum import plain_einsums
from edgeprune.export.id_rows import id_rows
from edgeprune.export.metadata import strip_exporter_notes, write_metadata
from edgeprune.export.names import names_of_inputs, output_names
from edgeprune.export.node_modules import note_modules
from edgeprune.export.opsets import bring_to, exporter_opset
from edgeprune.export.prepared import (
    contiguous_weights,
    device_of,
    evaluating,
    row_major,
    weight_bytes,
)
from edgeprune.export.quiet import captured_output
from edgeprune.models.inputs import InputSpec, input_specs

if TYPE_CHECKING:
    from onnx import ModelProto

DEFAULT_TARGET = "cpu"
BATCH_AXIS = "batch"
# Protobuf cannot hold 2 GiB; the graph around the weights needs room as well.
_MAX_WEIGHT_BYTES = 2**31 - 2**26


@dataclass(frozen=True)
class OnnxExport:
    """A written ONNX file.

    Attributes:
        path: the file.
        bytes: its size.
        opset: version of the default operator set in it.
    """

    path: Path
    bytes: int
    opset: int


def export_onnx(
    model: nn.Module,
    example_inputs: Tensor | tuple[Tensor, ...],
    path: str | os.PathLike[str],
    *,
    target: str = DEFAULT_TARGET,
    jetpack: str | None = None,
    opset: int | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> OnnxExport:
    """Write `model`, in evaluation mode, as one ONNX file whose batch axis is free.

    The model itself is unchanged afterwards: modes, memory format and weights. The file is replaced
    in one step. Axis 0 of every input is called `batch`; the inputs are `input` (or `input_0`,
    `input_1`, ...), or what the network calls them itself (see `models.inputs.input_specs`); the
    outputs are `output` (or `output_0`, ...). Ids are int64 as in PyTorch, and the file's
    metadata says which ones each column knows.

    Args:
        example_inputs: what the network is called with, each of shape (batch, ...); any batch >= 1.
        target: where the file will run, one of `edgeprune.device.targets.target_names()`; decides
            the opset and which operators are used.
        jetpack: release on the board, where it is not the target's usual one.
        opset: in place of the target's; 17 or newer.
        metadata: values that become JSON in the file's metadata (arch, classes, mean, std, ...).

    Raises:
        UserInputError: the network does not accept the inputs, or there is no such target.
        UnsupportedError: the exporter cannot express the network or the opset, or the weights do
            not fit one file. The exporter's own log is in the chain of causes.
    """
    board = target_of(target, jetpack)
    opset = board.opset if opset is None else opset
    inputs = _widened(_as_tuple(example_inputs), device_of(model))
    _check_size(model)
    with evaluating(model), contiguous_weights(model), plain_bags():
        outputs = _count_outputs(model, inputs)
        proto = _run_exporter(model, inputs, outputs, exporter_opset(opset))
    plain_einsums(proto)
    proto = bring_to(proto, opset, board)
    strip_exporter_notes(proto)
    note_modules(proto)
    write_metadata(proto, _noted(proto, input_specs(model), metadata or {}))
    _check(proto, opset)
    data = proto.SerializeToString()
    write_bytes_atomic(path, data)
    return OnnxExport(Path(path), len(data), opset)


def target_of(name: str, jetpack: str | None) -> Target:
    """The target of this name.

    Raises:
        UserInputError: there is none, or it does not have this JetPack.
    """
    try:
        return find_target(name, jetpack)
    except UnknownTargetError as failure:
        raise UserInputError(str(failure)) from failure


def _as_tuple(example_inputs: Tensor | tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    inputs = (example_inputs,) if isinstance(example_inputs, Tensor) else tuple(example_inputs)
    if not inputs or any(tensor.dim() == 0 or not len(tensor) for tensor in inputs):
        raise UserInputError("example_inputs: give tensors with at least one sample on axis 0")
    return inputs


def _widened(inputs: tuple[Tensor, ...], device: torch.device) -> tuple[Tensor, ...]:
    """At least two samples: torch.export takes an axis of size 1 for a constant."""
    return tuple(
        row_major((tensor if len(tensor) > 1 else torch.cat([tensor, tensor])).to(device))
        for tensor in inputs
    )


def _check_size(model: nn.Module) -> None:
    size = weight_bytes(model)
    if size > _MAX_WEIGHT_BYTES:
        raise UnsupportedError(
            f"{type(model).__name__} has {size / 2**30:.1f} GiB of weights; one ONNX file holds "
            "less than 2 GiB: prune it further or convert it to half precision first"
        )


def _count_outputs(model: nn.Module, inputs: tuple[Tensor, ...]) -> int:
    try:
        outputs = model(*inputs)
    except (RuntimeError, ValueError, TypeError, IndexError, AssertionError) as failure:
        shapes = ", ".join(str(tuple(tensor.shape)) for tensor in inputs)
        raise UserInputError(
            f"{type(model).__name__} does not accept example inputs of shape {shapes}: "
            f"{_first_line(failure)}"
        ) from failure
    return len(tree_leaves(outputs))


def _run_exporter(
    model: nn.Module, inputs: tuple[Tensor, ...], outputs: int, opset: int
) -> ModelProto:
    batch = torch.export.Dim(BATCH_AXIS)
    with captured_output() as log:
        try:
            program = torch.onnx.export(
                model,
                inputs,
                dynamo=True,
                verbose=False,
                opset_version=opset,
                input_names=names_of_inputs(model, len(inputs)),
                output_names=output_names(outputs),
                dynamic_shapes=tuple({0: batch} for _ in inputs),
            )
            assert program is not None
            return program.model_proto
        except Exception as failure:  # the network's own code runs in there: anything can come out
            reason, cause = _first_line(failure.__cause__ or failure), failure
    noted = EdgepruneError(f"the exporter's log:\n{log.getvalue()}")
    noted.__cause__ = cause
    raise UnsupportedError(
        f"{type(model).__name__} cannot be exported to ONNX opset {opset} with a free batch axis "
        f"by torch {torch.__version__}: {reason}"
    ) from noted


def _noted(
    proto: ModelProto, specs: tuple[InputSpec, ...] | None, metadata: Mapping[str, Any]
) -> dict[str, Any]:
    ids = id_rows(proto, specs)
    return {**metadata, METADATA: ids} if ids else dict(metadata)


def _check(proto: ModelProto, opset: int) -> None:
    import onnx

    written = {entry.domain: entry.version for entry in proto.opset_import}.get("")
    if written != opset:
        raise UnsupportedError(
            f"opset {opset} was asked, the exporter of torch {torch.__version__} wrote {written}: "
            f"use opset {written}"
        )
    try:
        onnx.checker.check_model(proto, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as failure:
        raise UnsupportedError(
            f"the exporter of torch {torch.__version__} wrote an invalid ONNX graph: "
            f"{_first_line(failure)}"
        ) from failure


def _first_line(failure: BaseException) -> str:
    text = re.sub(r"\x1b\[[0-9;]*m", "", str(failure)).strip()
    return text.splitlines()[0] if text else type(failure).__name__
