"""The exported graphs of a network: which there are, and what each says of itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from edgeprune.device.ids import METADATA, IdRows, id_rows_from
from edgeprune.errors import CorruptFileError, UserInputError
from edgeprune.export.metadata import metadata_of
from edgeprune.export.onnx_graph import Graph as Constants
from edgeprune.export.precision.convert import PrecisionName
from edgeprune.export.precision.emulate import is_half
from edgeprune.wording import brief

if TYPE_CHECKING:
    from onnx import ModelProto

_PRECISIONS: tuple[PrecisionName, ...] = get_args(PrecisionName)


@dataclass(frozen=True)
class GraphFile:
    """An ONNX file.

    Attributes:
        path: the file.
        model: what it holds.
        metadata: what edgeprune wrote into it; None where another tool made it.
        precision: of the graph, or of its tables where that is lower; FP32 where nothing tells.
        notes: what has to be known to read its figures.
        onnxruntime_notes: the same for those of ONNX Runtime.
    """

    path: Path
    model: ModelProto
    metadata: dict[str, Any] | None
    precision: PrecisionName
    notes: tuple[str, ...]
    onnxruntime_notes: tuple[str, ...]

    @property
    def fixed_batch(self) -> int | None:
        """The batch size that is written into the graph; None where it is free."""
        shape = Constants(self.model).shape(self.model.graph.input[0].name)
        return shape[0] if shape else None

    @property
    def id_rows(self) -> dict[str, IdRows]:
        """Which ids its inputs may hold, where it says so."""
        return id_rows_from((self.metadata or {}).get(METADATA))


def find_graphs(source: Path, file: Path, picked: Sequence[Path]) -> list[Path]:
    """The ONNX files to verify.

    Args:
        source: what the user named, a run folder or a model file.
        file: the model file.
        picked: the files that the user named; none: a folder's, or those of the model file's name.

    Raises:
        UserInputError: there is none.
    """
    for path in picked:
        if not path.is_file():
            raise UserInputError(f"--onnx {path}: no such file; edgeprune export writes one")
    found = list(dict.fromkeys(picked)) or _beside(source, file)
    if not found:
        raise UserInputError(
            f"{source}: there is no ONNX file to verify; make one with "
            f"edgeprune export {source}, or name one with --onnx FILE"
        )
    return found


def _beside(source: Path, file: Path) -> list[Path]:
    visible = sorted(p for p in file.parent.glob("*.onnx") if not p.name.startswith("."))
    if source.is_dir():
        return visible
    return [p for p in visible if p.name.startswith(f"{file.stem}.")]


def read_graphs(paths: Sequence[Path]) -> tuple[GraphFile, ...]:
    """The files, FP32 first.

    Raises:
        CorruptFileError: one is no ONNX model, or damaged.
    """
    graphs = [read_graph(path) for path in paths]
    return tuple(sorted(graphs, key=lambda graph: _PRECISIONS.index(graph.precision)))


def read_graph(path: Path) -> GraphFile:
    """One file.

    Raises:
        CorruptFileError: it is no ONNX model, or damaged.
    """
    model = _load(path)
    metadata = metadata_of(model, path)
    named = (metadata or {}).get("precision", "fp32")
    if named not in _PRECISIONS:
        raise CorruptFileError(f"{path} says its precision is {named!r}; export it again")
    unknown = "another tool wrote it and its precision is unknown: taken for fp32"
    notes = (unknown,) if metadata is None else ()
    tables = (metadata or {}).get("tables", "fp32")
    if tables in _PRECISIONS:
        named = max(named, tables, key=_PRECISIONS.index)
    return GraphFile(
        path, model, metadata, named, notes, _onnxruntime_notes(model, metadata or {}, named)
    )


def _load(path: Path) -> ModelProto:
    import onnx
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    try:
        model = onnx.load(path)
        onnx.checker.check_model(model)
    except (OSError, DecodeError) as failure:
        raise CorruptFileError(f"{path} is not a readable ONNX file; export it again") from failure
    except (onnx.checker.ValidationError, ValueError) as failure:
        raise CorruptFileError(
            f"{path} is no valid ONNX model ({brief(failure)}); export it again"
        ) from failure
    if not model.graph.node or not model.graph.input or not model.graph.output:
        raise CorruptFileError(f"{path} holds no graph; export it again")
    return model


def _onnxruntime_notes(
    model: ModelProto, metadata: dict[str, Any], precision: PrecisionName
) -> tuple[str, ...]:
    if is_half(model):
        return ("FP16 is emulated in ONNX Runtime: values are rounded as FP16 rounds them",)
    if precision != "fp32" and str(metadata.get("target")).startswith("jetson"):
        return ("TensorRT's builder makes its floats FP16, which ONNX Runtime cannot show",)
    return ()
