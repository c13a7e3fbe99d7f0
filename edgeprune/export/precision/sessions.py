"""Graphs that are not on disk yet, in ONNX Runtime."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import onnx

from edgeprune.device.errors import DeviceError, DeviceUnsupportedError
from edgeprune.device.runners.onnxruntime import OnnxRuntimeRunner
from edgeprune.errors import EdgepruneError, UnsupportedError
from edgeprune.export.precision.emulate import is_half

if TYPE_CHECKING:
    from onnx import ModelProto

# ONNX Runtime 1.32 takes every convolution for one of FP32 when it changes layouts, and ends the
# process when it is one of FP16 (ViT-B/32).
_UNSAFE_WITH_HALF = ("NchwcTransformer",)


@contextlib.contextmanager
def running(model: ModelProto) -> Iterator[OnnxRuntimeRunner]:
    """A runner of the graph.

    Raises:
        UnsupportedError: ONNX Runtime is not installed.
        EdgepruneError: it does not take the graph or its inputs.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "graph.onnx"
        onnx.save(model, path)
        with running_file(path, model) as runner:
            yield runner


@contextlib.contextmanager
def running_file(path: Path, model: ModelProto | None = None) -> Iterator[OnnxRuntimeRunner]:
    """A runner of a file; `model` is what the file holds, where that is in memory anyway."""
    try:
        with OnnxRuntimeRunner(path, without=_unsafe(model or onnx.load(path))) as runner:
            yield runner
    except DeviceUnsupportedError as failure:
        raise UnsupportedError(str(failure)) from failure
    except DeviceError as failure:
        raise EdgepruneError(str(failure)) from failure


def _unsafe(model: ModelProto) -> tuple[str, ...]:
    return _UNSAFE_WITH_HALF if is_half(model) else ()
