"""What a benchmark compares: graphs as given, and a run's student with its dense network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from edgeprune.deploy.dense import dense_module
from edgeprune.errors import UserInputError
from edgeprune.export.onnx import export_onnx
from edgeprune.models.checkpoint import load_checkpoint
from edgeprune.models.inputs import input_specs, random_inputs

DENSE, STUDENT = "dense", "student"


def candidates(sources: Sequence[Path], folder: Path) -> dict[str, Path]:
    """ONNX files by name.

    A run folder stands for two: the student's architecture before pruning, whose weights are fresh
    since no time depends on them, and `student.onnx`.

    Args:
        sources: ONNX files and run folders.
        folder: where dense networks are written.

    Raises:
        UserInputError: a source that is neither, or two of one name.
    """
    found: dict[str, Path] = {}
    for source in sources:
        for name, path in _of(source, folder, is_alone=len(sources) == 1):
            if name in found:
                raise UserInputError(f"{source}: there are two of the name {name}; rename one")
            found[name] = path
    return found


def _of(source: Path, folder: Path, *, is_alone: bool) -> list[tuple[str, Path]]:
    if not source.is_dir():
        if not source.is_file():
            raise UserInputError(f"{source}: no such file or run folder")
        return [(source.stem, source)]
    student, checkpoint = source / "student.onnx", source / "student.pt"
    if not (student.is_file() and checkpoint.is_file()):
        raise UserInputError(f"{source}: holds no finished run; edgeprune compress makes one")
    before = "" if is_alone else f"{source.name} "
    pair = [(f"{before}{STUDENT}", student)]
    dense = _dense(checkpoint, folder / f"{source.name}.{DENSE}.onnx")
    return [(f"{before}{DENSE}", dense), *pair] if dense else pair


def _dense(checkpoint: Path, path: Path) -> Path | None:
    """None for a network of the user's own, which a file cannot build."""
    held = load_checkpoint(checkpoint)
    module = dense_module(held.arch, held.arch_args)
    if held.preprocessing is None or module is None:
        return None
    specs = input_specs(module)
    images = (torch.zeros(2, held.preprocessing.channels, *held.preprocessing.image_size),)
    export_onnx(module, images if specs is None else random_inputs(specs, 2), path)
    return path
