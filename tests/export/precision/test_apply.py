"""Rewriting a file in another precision."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from precision_graphs import exported
from torch import nn

from edgeprune.data.registry import load_data
from edgeprune.device.targets import find_target
from edgeprune.errors import AccuracyGateMissedError
from edgeprune.export.precision import apply
from edgeprune.export.precision.calibration import Forward
from edgeprune.export.precision.request import PrecisionRequest


def test_no_int8_file_without_int8(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As with a network that the least rounding spoils."""
    torch.manual_seed(0)
    data = load_data("digits", seed=0)
    shape = tuple(data.example_inputs(1)[0].shape[1:])
    model = nn.Sequential(
        nn.Conv2d(shape[0], 4, 1), nn.Conv2d(4, 4, 1), nn.Flatten(), nn.LazyLinear(10)
    )
    model(torch.zeros(1, *shape))
    exported(model, tmp_path, *shape, target="jetson-xavier")
    path = tmp_path / "model.onnx"
    before, sample = path.read_bytes(), {"input": data.example_inputs(2)[0].numpy()}
    seen: list[np.ndarray] = []

    def score(forward: Forward) -> float:
        seen.append(forward(sample))
        return 100.0 if np.array_equal(seen[0], seen[-1]) else 0.0

    monkeypatch.setattr(apply, "top1_score", lambda *_: score)
    with pytest.raises(AccuracyGateMissedError, match="int8: every layer would have to go back"):
        apply.apply_precision(
            path,
            PrecisionRequest("int8", calibration="min-max", samples=16),
            find_target("jetson-xavier"),
            data=data,
            fallback_feeds=[],
            learned=None,
            metadata={},
        )
    assert path.read_bytes() == before
