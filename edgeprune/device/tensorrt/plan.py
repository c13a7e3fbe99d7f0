"""A serialised engine, whoever built it, and what is said where it could not be built."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Sequence

from edgeprune.device.tensorrt.lines import one_line

MEMORY_REMEDY = "end other programs, add swap or lower the workspace"


@dataclass(frozen=True)
class Plan:
    """A serialised engine.

    Attributes:
        data: its bytes.
        layers: number of layers of the network it was built from; None where nobody told.
        seconds: time that building took.
        warnings: what TensorRT warned of, each line once.
        notes: what did not go as asked, in edgeprune's words.
    """

    data: bytes
    layers: int | None
    seconds: float
    warnings: tuple[str, ...]
    notes: tuple[str, ...] = ()


def why_not_built(onnx_file: Path, label: str, errors: Sequence[str]) -> str:
    """One line on a build that gave no engine, from TensorRT's log."""
    told = one_line(errors[0]) if errors else "it gave no reason; memory may have run out"
    remedy = f"; {MEMORY_REMEDY}" if "memory" in told.lower() else ""
    return f"{onnx_file}: {label} cannot build it: {told}{remedy}"
