"""What travels inside an ONNX file: who made it, of what, and how to feed it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from edgeprune import __version__
from edgeprune.errors import CorruptFileError

if TYPE_CHECKING:
    from onnx import ModelProto

# Maps a node back to the PyTorch module it came from. The exporter's other notes on nodes hold
# source lines and folders of the machine that exported, and are larger than a small model.
_KEPT_ON_NODES = frozenset({"pkg.torch.onnx.name_scopes"})


def write_metadata(model: ModelProto, values: Mapping[str, Any]) -> None:
    """Replace the model's metadata by `values` and `edgeprune_version`, each as JSON text."""
    del model.metadata_props[:]
    for key, value in {"edgeprune_version": __version__, **values}.items():
        model.metadata_props.add(key=key, value=json.dumps(value))


def strip_exporter_notes(model: ModelProto) -> None:
    """Remove stack traces and the like from nodes and values, in place."""
    graph = model.graph
    for node in graph.node:
        kept = [prop for prop in node.metadata_props if prop.key in _KEPT_ON_NODES]
        del node.metadata_props[:]
        node.metadata_props.extend(kept)
        node.doc_string = ""
    for value in (*graph.input, *graph.output, *graph.value_info, *graph.initializer, graph):
        del value.metadata_props[:]


def read_metadata(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The values that `export_onnx` stored in a file.

    Raises:
        CorruptFileError: the file is no ONNX model, or not one that edgeprune wrote.
    """
    import onnx
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    try:
        model = onnx.load(os.fspath(path), load_external_data=False)
    except (OSError, DecodeError) as failure:
        raise CorruptFileError(f"{path} is not a readable ONNX file; export it again") from failure
    found = metadata_of(model, path)
    if found is None:
        raise CorruptFileError(f"{path} carries no edgeprune metadata; export it with edgeprune")
    return found


def metadata_of(model: ModelProto, path: str | os.PathLike[str]) -> dict[str, Any] | None:
    """The values that `export_onnx` stored in a graph; None in one of another tool.

    Args:
        path: its file, for messages.

    Raises:
        CorruptFileError: the values are damaged.
    """
    props = {prop.key: prop.value for prop in model.metadata_props}
    if "edgeprune_version" not in props:
        return None
    try:
        return {key: json.loads(value) for key, value in props.items()}
    except ValueError as failure:
        raise CorruptFileError(f"{path} has damaged metadata; export it again") from failure
