"""Masks in place of removal: the size stays, the zeros stay, and the packer finds whole columns."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from edgeprune.device.sparse import pack
from edgeprune.models.checkpoint import load_checkpoint
from edgeprune.pipeline import compress


@pytest.mark.parametrize(
    ("method", "granularity"),
    [("sp_sad", "weight"), ("sp_sad", "vector"), ("lth_sad", "vector"), ("ss_sad", "vector")],
)
def test_zeros_reach_the_delivered_files(
    method: str, granularity: str, digits_teacher: Path, tmp_path: Path
) -> None:
    vector = 4 if granularity == "vector" else 1
    report = compress(
        digits_teacher, "wrn_10_1", "digits", method, out=tmp_path, epochs=3, rounds=2,
        train_limit=192, batch_size=64, granularity=granularity, target_params=0.2, device="cpu",
    )  # fmt: skip
    assert report.size_reduction == 0.0
    assert report.student["mask_sparsity"] == pytest.approx(0.8, abs=0.001)
    assert report.target["name"] == "mask_sparsity"
    weights = {
        name: tensor.numpy()
        for name, tensor in load_checkpoint(tmp_path / "student.pt").state_dict.items()
        if tensor.dim() == 4
    }
    stored = sum(pack(w, vector=vector, channel_tile=4).val.size for w in weights.values())
    held = sum(np.count_nonzero(weight) for weight in weights.values())
    assert held < 0.3 * sum(weight.size for weight in weights.values())
    assert stored == held
    graph = onnx.load(tmp_path / "student.onnx").graph
    exported = {t.name: numpy_helper.to_array(t) for t in graph.initializer if len(t.dims) == 4}
    # Norms are folded into some: a scale per output channel moves no zero.
    assert sum(map(np.count_nonzero, exported.values())) == held
