"""Verifying from Python: regression, and engines where a GPU answers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from damaged_graphs import change_tensor
from regression_task import network

from edgeprune.device.errors import DeviceError
from edgeprune.device.runners.onnxruntime import OnnxRuntimeRunner
from edgeprune.errors import AccuracyGateMissedError
from edgeprune.export.onnx import export_onnx
from edgeprune.models.load import ModelOptions
from edgeprune.report.verify_table import lines
from edgeprune.verify import engines
from edgeprune.verify.gate import require_kept
from edgeprune.verify.report import VerifyReport
from edgeprune.verify.run import VerifyRequest, verify

OPTIONS = ModelOptions(model="regression_task:network", image_size=(8, 8), mean=(0.0,), std=(1.0,))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A regressor and its graph."""
    torch.save(network().state_dict(), tmp_path / "net.pt")
    export_onnx(network(), torch.randn(2, 1, 8, 8), tmp_path / "net.onnx")
    return tmp_path / "net.pt"


def _verified(source: Path, *backends: str) -> VerifyReport:
    request = VerifyRequest(
        backends=backends, data="regression_task:data", in_channels=1, options=OPTIONS
    )
    return verify(source, request)


def test_regression_has_a_squared_error_and_no_classes(source: Path) -> None:
    report = _verified(source, "onnxruntime")
    (found,) = report.comparisons
    assert (report.metric_name, report.images) == ("mse", 30)
    assert found.metric == pytest.approx(report.metric_pytorch, rel=1e-5)
    assert found.agreement_percent is None
    assert report.divergences[0].first is None
    assert [layer.counterpart for layer in report.divergences[0].layers] == ["0", "1", "3"]
    require_kept(report)
    change_tensor(source.with_suffix(".onnx"), "3.bias", lambda bias: bias + 1)
    worse = _verified(source, "onnxruntime")
    assert worse.divergences[0].first is not None
    assert worse.divergences[0].first.layer == "3"
    assert abs(worse.comparisons[0].metric_difference.difference) > 0.5  # type: ignore[union-attr]
    with pytest.raises(AccuracyGateMissedError, match="outputs differ by 1"):
        require_kept(worse)


class _Gpu(OnnxRuntimeRunner):
    """Runs an engine's graph here, in batches as small as the engine takes."""

    batches: list[int] = []  # noqa: RUF012

    def __init__(self, path: Path, backend: str, *, plugins: tuple[str, ...]) -> None:
        assert path.is_file()
        super().__init__(path.with_name("net.onnx"))

    def _infer(self, feed: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        batch = len(feed["input"])
        if not 1 <= batch <= 8:
            raise DeviceError(f"a batch of {batch}; the engine takes 1 to 8")
        self.batches.append(batch)
        return super()._infer(feed)


def test_an_engine_runs_where_a_gpu_answers(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tensorrt_rtx")
    monkeypatch.setattr(engines, "TensorRtRunner", _Gpu)
    for state in ("built now", "as it was"):
        report = _verified(source, "tensorrt-rtx")
        (found,) = report.comparisons
        assert (found.backend, found.status) == ("tensorrt-rtx", "compared")
        assert found.metric == pytest.approx(report.metric_pytorch, rel=1e-5)
        assert f"net.tensorrt-rtx.engine {state}; FP32 layers may round to TF32" in found.notes[0]
        assert any("net.onnx on tensorrt-rtx: TensorRT-RTX" in line for line in lines(report))
        assert report.divergences == ()
        require_kept(report)
    assert _Gpu.batches == 2 * [8, 8, 8, 6]
