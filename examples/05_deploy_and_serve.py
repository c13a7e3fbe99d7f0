"""From a pruned network to a device: deploy, check, measure, then serve it without PyTorch.

    python examples/05_deploy_and_serve.py                         # this machine, ONNX Runtime
    python examples/05_deploy_and_serve.py --host user@board       # a Jetson, TensorRT

A WideResNet for 8x8 digits is narrowed once and deployed: the device gets a bundle and the agent,
builds what it needs, and its outputs are compared with this machine's before anything is timed.
Afterwards the bundle alone serves the model: numpy in, numpy out, its preprocessing included.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch

import edgeprune
from edgeprune.data.preprocessing import Preprocessing
from edgeprune.deploy.agent import Listener
from edgeprune.deploy.bundle.request import BundleRequest
from edgeprune.device import load
from edgeprune.device.bench.protocol import Protocol
from edgeprune.models.checkpoint import checkpoint_of, save_checkpoint
from edgeprune.models.registry import build_model

SIDE = 8


class Printed(Listener):
    """Prints what happens."""

    def step(self, text: str) -> None:
        print(f"  {text}")


def prune(path: Path) -> Path:
    """A narrowed network, fresh weights, in a checkpoint."""
    module = build_model("wrn_10_1", num_classes=10, in_channels=1).eval()
    report = edgeprune.prune_model(module, torch.zeros(1, 1, SIDE, SIDE), pruning_ratio=0.5)
    print(f"pruned: {report.params} parameters")
    held = checkpoint_of(
        module,
        arch="wrn_10_1",
        arch_args={"num_classes": 10, "in_channels": 1},
        preprocessing=Preprocessing((0.3,), (0.4,), (SIDE, SIDE), 1),
    )
    save_checkpoint(path, held)
    return path


def main() -> None:
    """Prune, deploy, serve."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--host", help="[user@]host[:port]")
    parser.add_argument("--seconds", type=float, default=0.5)
    parser.add_argument("--out", type=Path, default=Path("runs/served"))
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    student = prune(given.out / "student.pt")

    print("deploying")
    local = given.host is None
    request = edgeprune.DeployRequest(
        target="cpu" if local else "jetson",
        host=given.host,
        runtime="onnxruntime" if local else "auto",
        protocol=Protocol(repeats=3, seconds=given.seconds),
        energy="off" if local else "auto",
        bundle=BundleRequest(data="digits"),
    )
    done = edgeprune.deploy(student, request, Printed())
    assert done.bench is not None
    for model in done.bench["models"]:
        print(f"{model['name']}: p50 {model['p50_ms']:.3f} ms, p99 {model['p99_ms']:.3f} ms")

    if local:
        images = np.random.default_rng(0).integers(0, 256, (5, SIDE, SIDE, 1), np.uint8)
        with load(done.bundle, runtime="onnxruntime") as model:
            print(f"served: {model(images).shape[0]} images, classes {model(images).argmax(1)}")


if __name__ == "__main__":
    main()
