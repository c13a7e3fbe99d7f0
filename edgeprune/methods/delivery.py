"""From a finished student to its files and figures: predictions, checkpoint, ONNX, latency."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from edgeprune.atomic import save_atomic, write_text_atomic
from edgeprune.data.dataset import Data
from edgeprune.device.latency import Latency, measure_interleaved
from edgeprune.device.runners.onnxruntime import OnnxRuntimeRunner
from edgeprune.export.compare import onnx_max_abs_error
from edgeprune.export.layer_times import layer_times
from edgeprune.export.onnx import export_onnx
from edgeprune.models.checkpoint import checkpoint_of, save_checkpoint
from edgeprune.train.evaluate import predict
from edgeprune.train.score import score_of

_COMPARED_BATCHES = 2
_COMPARED_BATCH_SIZE = 64
LATENCY_WARMUP = 20
LATENCY_REPEATS = 200
_NAMED_LAYERS = 5

Predictions = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class StudentFiles:
    """What the run folder holds of the student.

    Attributes:
        checkpoint: `student.pt`.
        onnx: `student.onnx`.
        onnx_bytes: its size.
        onnx_max_abs_error: largest output difference to PyTorch on real inputs.
    """

    checkpoint: Path
    onnx: Path
    onnx_bytes: int
    onnx_max_abs_error: float


def predict_test(
    forwards: Mapping[str, Callable[[tuple[Tensor, ...]], Tensor]],
    data: Data,
    device: torch.device,
    path: Path,
) -> tuple[Predictions, dict[str, float]]:
    """Read the test set once, for all networks; keep the predictions; return the metric of each."""
    found = predict(forwards, data, "test", device)
    save_atomic(path, lambda stream: np.savez_compressed(stream, **found))  # type: ignore[arg-type]
    targets = found["targets"]
    return found, {name: score_of(data).mean(found[name], targets) for name in forwards}


def save_student(
    folder: Path,
    module: nn.Module,
    data: Data,
    *,
    arch: str,
    arch_args: Mapping[str, Any],
    metrics: Mapping[str, float],
    provenance: Mapping[str, Any],
    quantization: Mapping[str, float] | None = None,
) -> StudentFiles:
    """Write `student.pt` and `student.onnx`, and compare the two on real inputs."""
    network = on_cpu(module)
    checkpoint = checkpoint_of(
        network,
        arch=arch,
        arch_args=dict(arch_args),
        preprocessing=data.preprocessing,
        classes=data.classes,
        metrics=dict(metrics),
        provenance=dict(provenance),
        quantization=quantization,
        inputs_digest=data.inputs_digest,
    )
    save_checkpoint(folder / "student.pt", checkpoint)
    for name, text in data.attachments.items():
        write_text_atomic(folder / name, text)
    described = {
        "arch": arch,
        "classes": data.classes,
        "mean": data.preprocessing.mean,
        "std": data.preprocessing.std,
    }
    exported = export_onnx(
        network, data.example_inputs(2), folder / "student.onnx", metadata=described
    )
    batches = data.batches("val", batch_size=_COMPARED_BATCH_SIZE)
    compared = [batch.inputs for batch in itertools.islice(batches, _COMPARED_BATCHES)]
    error = onnx_max_abs_error(exported.path, network, compared)
    return StudentFiles(folder / "student.pt", Path(exported.path), exported.bytes, error)


def measure_latency(
    networks: Mapping[str, nn.Module],
    data: Data,
    batch_size: int,
    folder: Path,
    threads: int | None = None,
) -> dict[str, Latency]:
    """Latency of several networks in ONNX Runtime on this machine, interleaved in one run.

    `student` is measured from the delivered `student.onnx`; the others are exported beside it for
    the measurement and removed again.
    """
    paths = {"student": folder / "student.onnx"}
    temporary = {name: folder / f".{name}.latency.onnx" for name in networks}
    try:
        for name, module in networks.items():
            export_onnx(on_cpu(module), data.example_inputs(2), temporary[name])
        runners = {
            name: OnnxRuntimeRunner(path, threads) for name, path in {**temporary, **paths}.items()
        }
        return measure_interleaved(
            runners,
            _feed(data, batch_size, paths["student"]),
            warmup=LATENCY_WARMUP,
            repeats=LATENCY_REPEATS,
        )
    finally:
        for path in temporary.values():
            path.unlink(missing_ok=True)


def dominating_layers(
    data: Data, batch_size: int, folder: Path, threads: int | None = None
) -> list[dict[str, Any]]:
    """The student's layers that take most of its time, with their shares of it."""
    graph = folder / "student.onnx"
    times = layer_times(graph, _feed(data, batch_size, graph), threads=threads)
    return [{"name": layer.name, "share": layer.share} for layer in times[:_NAMED_LAYERS]]


def _feed(data: Data, batch_size: int, graph: Path) -> dict[str, NDArray[Any]]:
    """Real inputs under the names that the graph has for them."""
    with OnnxRuntimeRunner(graph) as runner:
        names = runner.input_names
    inputs = [tensor.contiguous().numpy() for tensor in data.example_inputs(batch_size)]
    return dict(zip(names, inputs, strict=True))


def on_cpu(module: nn.Module) -> nn.Module:
    """An eval-mode copy on the CPU; the network in training is left alone."""
    return copy.deepcopy(module).cpu().eval()
