"""Graphs that are cut in place of exported anew: the same network, or exported after all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from edgeprune.device.runners.onnxruntime import OnnxRuntimeRunner
from edgeprune.export import narrowed
from edgeprune.export.narrowed import NarrowedGraphs
from edgeprune.prune.discovery import find_channels
from edgeprune.prune.removal import make_removal


class Mixed(nn.Module):
    """A residual stream, a depthwise and a grouped convolution, and a view by width."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(16)
        self.depthwise = nn.Conv2d(16, 16, 3, padding=1, groups=16)
        self.inner = nn.Conv2d(16, 24, 1)
        self.outer = nn.Conv2d(24, 16, 1)
        self.grouped = nn.Conv2d(16, 16, 3, groups=2)
        self.fc = nn.Linear(16, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.norm(self.stem(x)))
        x = x + self.outer(torch.relu(self.inner(self.depthwise(x))))
        x = self.grouped(x).mean((2, 3), keepdim=True)
        return self.fc(x.view(-1, self.fc.in_features))


class Transposed(nn.Module):
    """Matrix products on three axes, whose weights the exporter turns and renames."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(6, 16)
        self.second = nn.Linear(16, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.second(torch.relu(self.first(x)))


@pytest.mark.parametrize(
    ("network", "shape", "exports"), [(Mixed, (2, 3, 8, 8), 1), (Transposed, (2, 5, 6), None)]
)
def test_a_narrowed_graph_is_the_narrowed_network(
    network: type[nn.Module],
    shape: tuple[int, ...],
    exports: int | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    torch.manual_seed(0)
    model, inputs = network().eval(), torch.randn(shape)
    graph = find_channels(model, (inputs,))
    exported: list[Path] = []
    real = narrowed.export_onnx
    monkeypatch.setattr(
        narrowed, "export_onnx",
        lambda *args, **options: (exported.append(args[2]), real(*args, **options))[1],
    )  # fmt: skip
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    graphs = NarrowedGraphs(model, graph, (inputs,), tmp_path)
    removal = make_removal([range(group.size // 2) for group in graph.groups])
    path = graphs.narrowed(removal, "half")
    assert exports is None or len(exported) == exports
    assert all(torch.equal(before[n], t) for n, t in model.state_dict().items())
    feed = {"input": inputs.numpy()}
    with OnnxRuntimeRunner(path) as small, OnnxRuntimeRunner(graphs.dense()) as dense:
        found, whole = small.infer(feed)["output"], dense.infer(feed)["output"]
    assert found.shape == whole.shape
    assert np.abs(found - whole).max() > 1e-3
    assert path.stat().st_size < graphs.dense().stat().st_size
