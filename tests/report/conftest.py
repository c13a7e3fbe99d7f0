"""A plausible run: WRN-16-2 on 1,000 test images, pruned by 60 %, with three controls."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeprune.report.run_report import RunReport

ReportMaker = Callable[..., RunReport]
_CLASSES = 10


def report_fields() -> dict[str, Any]:
    return {
        "method": "ss_sad",
        "preset": "quick",
        "seed": 0,
        "epochs": 15,
        "search_epochs": 12.0,
        "teacher": {"params": 2_255_156, "macs": 327_600_000, "metric": 74.1},
        "dense_student": {"params": 703_284, "macs": 101_100_000, "metric": 70.5},
        "student": {"params": 281_314, "macs": 44_900_000, "metric": 69.6, "mask_sparsity": 0.0},
        "size_reduction": 0.6,
        "mac_reduction": 0.5559,
        "target": {"name": "target_params", "asked": 0.4, "reached": 0.3999},
        "equivalence": {
            "max_abs_error": 2.1e-13,
            "max_rel_error": 3.1e-13,
            "dtype": "float64",
            "groups": 9,
            "inexact_groups": [],
        },
        "skipped": [{"layer": "fc", "reason": "its outputs are the network's outputs"}],
        "onnx": {"path": "student.onnx", "bytes": 1_152_034, "max_abs_error": 2.4e-6},
        "latency_ms": {
            "teacher": {"p50": 16.2, "p99": 19.9},
            "dense_student": {"p50": 5.71, "p99": 7.02},
            "student": {"p50": 3.14, "p99": 3.88},
        },
        "train_seconds": 2310.0,
        "train_energy_j": None,
        "controls": [
            {"name": "dense", "params": 703_284, "macs": 101_100_000, "metric": 70.5},
            {"name": "dense-ce", "params": 703_284, "macs": 101_100_000, "metric": 69.9},
            {"name": "reinit", "params": 281_314, "macs": 44_900_000, "metric": 69.4},
            {"name": "random-mask", "params": 281_314, "macs": 47_900_000, "metric": 66.0},
        ],
        "seed_runs": [],
        "versions": {"python": "3.11.7", "torch": "2.14.1", "cpu": "AMD EPYC", "threads": 2},
        "extra": {
            "metric": "top1_percent",
            "data": "digits",
            "layers": layer_widths(),
            "missing": {"train_energy_j": "no RAPL counters: /sys/class/powercap is absent"},
            "latency_batch": 1,
        },
    }


def layer_widths() -> list[dict[str, Any]]:
    widths = [("conv1", 16, 16)]
    for block, before, after in ((1, 32, 32), (2, 64, 48), (3, 128, 64)):
        for unit in (0, 1):
            widths += [
                (f"block{block}.layer.{unit}.conv1", before, after - 16 * unit),
                (f"block{block}.layer.{unit}.conv2", before, after),
            ]
    return [{"name": name, "width_before": b, "width_after": a} for name, b, a in widths]


def history_rows() -> list[dict[str, Any]]:
    rows = []
    for stage, epochs, size in (("round-1", 6, 1.0), ("round-2", 6, 0.64), ("distil", 15, 0.4),
                                ("control-reinit", 15, 0.4)):  # fmt: skip
        for epoch in range(epochs):
            rise = 70 * (1 - 0.75 ** (epoch + 1))
            rows.append(
                {
                    "stage": stage, "epoch": epoch, "lr": 0.1, "loss": 2.0, "ce": 1.0, "kl": 0.5,
                    "afd": 0.1, "train_top1": rise - 4, "val_top1": rise - (epoch % 3),
                    "params": 703_284.0 * size, "macs": 101_100_000.0 * (0.05 + 0.95 * size),
                    "channels": 900.0 * (0.3 + 0.7 * size), "seconds": 60.0,
                }
            )  # fmt: skip
    return rows


def prediction_arrays() -> dict[str, np.ndarray]:
    generator = np.random.default_rng(0)
    targets = generator.integers(0, _CLASSES, 1000)
    hardness = generator.random(1000)

    def at(accuracy: float) -> np.ndarray:
        right = hardness + generator.normal(0, 0.05, 1000) < accuracy
        return np.where(right, targets, (targets + 1) % _CLASSES)

    return {
        "teacher": at(0.741),
        "student": at(0.696),
        "control_dense": at(0.705),
        "control_dense-ce": at(0.699),
        "control_reinit": at(0.694),
        "control_random-mask": at(0.6),
        "targets": targets,
    }


@pytest.fixture(scope="session")
def make_report() -> ReportMaker:
    """Builds the plausible report with some fields replaced."""

    def make(**changes: Any) -> RunReport:
        return RunReport(**{**report_fields(), **changes})

    return make


@pytest.fixture(scope="session")
def write_run(make_report: ReportMaker) -> Callable[..., Path]:
    """Writes a run folder: report, history and, unless told otherwise, test predictions."""

    def write(folder: Path, *, predictions: bool = True, **changes: Any) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "report.json").write_text(make_report(**changes).to_json())
        lines = [json.dumps(row) + "\n" for row in history_rows()]
        (folder / "history.jsonl").write_text("".join(lines))
        if predictions:
            np.savez_compressed(folder / "test_predictions.npz", **prediction_arrays())
        return folder

    return write
