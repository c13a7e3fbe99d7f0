"""What a pruned model is worth to others: `python -m coverage_parts.delivery NAME` prints JSON.

Prunes like `coverage_parts.ours`, exports to ONNX and compares with ONNX Runtime, writes a
checkpoint and has it restored by a new process.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

import edgeprune
from coverage_parts.subjects import RATIO, ROUND_TO, arch_of, arrays_of, subject
from edgeprune.errors import EdgepruneError
from edgeprune.export.compare import onnx_max_abs_error
from edgeprune.export.onnx import export_onnx
from edgeprune.models.checkpoint import checkpoint_of, save_checkpoint
from edgeprune.prune.redraw import redraw_weights


def run(name: str) -> dict[str, Any]:
    """Prune, export, compare, save, restore elsewhere, compare."""
    model, example = subject(name)
    redraw_weights(model, seed=0)  # some fresh networks say the same whatever they see
    try:
        edgeprune.prune_model(model, example, pruning_ratio=RATIO, round_to=ROUND_TO)
        model.eval()
        with tempfile.TemporaryDirectory() as folder:
            return {
                "pruned": True,
                "why": "",
                **_exported(model, example, Path(folder)),
                **_restored(name, model, example, Path(folder)),
            }
    except EdgepruneError as failure:
        return {"pruned": False, "why": str(failure)}


def _exported(model: nn.Module, example: Tensor, folder: Path) -> dict[str, Any]:
    path = folder / "model.onnx"
    export_onnx(model, example, path)
    with torch.no_grad():
        scale = max(float(np.abs(array).max()) for array in arrays_of(model(example)))
    error = onnx_max_abs_error(path, model, [(example,)])
    mib = path.stat().st_size / 2**20
    path.unlink()
    return {"onnx_rel_error": error / scale, "onnx_mib": mib}


def _restored(name: str, model: nn.Module, example: Tensor, folder: Path) -> dict[str, Any]:
    arch, arch_args = arch_of(name)
    path, outputs = folder / "model.pt", folder / "outputs.npz"
    save_checkpoint(path, checkpoint_of(model, arch=arch, arch_args=arch_args))
    command = [sys.executable, "-m", "coverage_parts.restore", name, str(path), str(outputs)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        return {"restored": (done.stderr.strip().splitlines() or ["no output"])[-1][:160]}
    with torch.no_grad():
        expected = arrays_of(model(example))
    with np.load(outputs) as found:
        same = len(found) == len(expected) and all(
            np.array_equal(found[f"arr_{number}"], array) for number, array in enumerate(expected)
        )
    return {"restored": "" if same else "other outputs than before"}


if __name__ == "__main__":
    print(json.dumps(run(sys.argv[1])))
