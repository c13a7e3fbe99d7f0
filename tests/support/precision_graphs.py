"""Small exported networks to write in other precisions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from edgeprune.export.onnx import export_onnx
from edgeprune.export.precision.sessions import running


class Residual(nn.Module):
    """Reads, a block with a 1x1 shortcut, a block with the identity, and classifies."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1)
        self.a, self.b = nn.Conv2d(8, 16, 3, padding=1), nn.Conv2d(16, 16, 3, padding=1)
        self.shortcut = nn.Conv2d(8, 16, 1)
        self.norm = nn.BatchNorm2d(16)
        self.c = nn.Conv2d(16, 16, 3, padding=1)
        self.depthwise = nn.Conv2d(16, 16, 3, padding=1, groups=16)
        self.hidden, self.out = nn.Linear(16, 12), nn.Linear(12, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.stem(x))
        x = self.b(torch.relu(self.a(x))) + self.shortcut(x)
        y = torch.relu(self.norm(x))
        x = x + self.c(y)
        x = torch.relu(self.depthwise(x)).mean((2, 3))
        return self.out(torch.relu(self.hidden(x)))


def exported(model: nn.Module, folder: Path, *shape: int, target: str = "rtx") -> onnx.ModelProto:
    """The model's graph; batch norms get statistics that are not 0 and 1."""
    generator = torch.Generator().manual_seed(0)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(generator=generator)  # type: ignore[union-attr]
            module.running_var.uniform_(0.5, 2.0, generator=generator)  # type: ignore[union-attr]
    path = folder / "model.onnx"
    export_onnx(model, torch.randn(2, *shape, generator=generator), path, target=target)
    return onnx.load(path)


def feeds(*shape: int, batches: int = 2, size: int = 8) -> list[dict[str, np.ndarray]]:
    """Random inputs."""
    rng = np.random.default_rng(0)
    draws = (rng.standard_normal((size, *shape)).astype(np.float32) for _ in range(batches))
    return [{"input": draw} for draw in draws]


def outputs(model: onnx.ModelProto, feed: dict[str, Any]) -> np.ndarray:
    """The first output in ONNX Runtime."""
    with running(model) as runner:
        return next(iter(runner.infer(feed).values()))


def ops(model: onnx.ModelProto, op: str) -> list[onnx.NodeProto]:
    """All nodes of an operator."""
    return [node for node in model.graph.node if node.op_type == op]
