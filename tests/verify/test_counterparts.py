"""A value is compared with a module only where it is that module's output."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from short_nets import convnext, densenet, mobilenet_v3, resnet, shufflenet_v2
from torch import Tensor, nn

from edgeprune.export.onnx import export_onnx
from edgeprune.export.prepared import evaluating
from edgeprune.models.registry import build_model
from edgeprune.verify.divergence import Divergence, find_divergence
from edgeprune.verify.graphs import read_graph
from edgeprune.verify.references import ModuleReference


def _seen(module: nn.Module, side: int, folder: Path, target: str = "cpu") -> Divergence:
    """The module's own graph against the module."""
    torch.manual_seed(1)
    for norm in module.modules():
        if isinstance(norm, nn.BatchNorm2d):
            nn.init.normal_(norm.running_mean)  # type: ignore[arg-type]
            nn.init.uniform_(norm.running_var, 0.5, 2.0)  # type: ignore[arg-type]
    images = torch.randn(2, 3, side, side)
    export_onnx(module, images, folder / "m.onnx", target=target)
    graph = read_graph(folder / "m.onnx")
    singles = [(image[None].numpy(),) for image in images]
    with evaluating(module):
        return find_divergence(graph, ModuleReference(module, graph), singles, None)


@pytest.mark.parametrize(
    ("make", "target", "least"),
    [
        (resnet, "cpu", 0.6),  # its ReLUs run twice each
        (mobilenet_v3, "rtx", 0.95),
        (densenet, "cpu", 0.8),
        (shufflenet_v2, "cpu", 0.5),  # splits and shuffles
        (convnext, "jetson-xavier", 0.15),  # its norms are taken apart, without notes
        (lambda: build_model("cifar_vgg11_bn", num_classes=7), "cpu", 0.5),
    ],
    ids=["resnet", "mobilenet_v3", "densenet", "shufflenet_v2", "convnext", "vgg"],
)
def test_architectures_agree_everywhere(
    make: Callable[[], nn.Module], target: str, least: float, tmp_path: Path
) -> None:
    found = _seen(make(), 64, tmp_path, target)
    assert min(layer.snr_db for layer in found.layers) > 100
    assert len(found.layers) >= least * found.values
    assert found.first is None


class _NormOutside(nn.Module):
    """The block's convolution takes in a norm that is not the block's."""

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 3, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.conv(F.relu(x))
            return out

    def __init__(self) -> None:
        super().__init__()
        self.block, self.norm = self.Block(), nn.BatchNorm2d(3)

    def forward(self, x: Tensor) -> Tensor:
        return torch.sigmoid(self.norm(self.block(x)))


class _Twice(nn.Module):
    """One module runs twice; another changes its input in place; one gives two tensors."""

    class Pair(nn.Module):
        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            return torch.tanh(x), torch.sigmoid(x)

    def __init__(self) -> None:
        super().__init__()
        self.act, self.change = nn.Sigmoid(), nn.ReLU(inplace=True)
        self.conv, self.pair = nn.Conv2d(3, 3, 1), self.Pair()

    def forward(self, x: Tensor) -> Tensor:
        first, second = self.pair(self.act(self.change(self.conv(self.act(x)))))
        return first + 2 * second


@pytest.mark.parametrize(
    ("make", "counterparts"),
    [(_NormOutside, {"norm", ""}), (_Twice, {"conv", "change", ""})],
)
def test_what_has_no_counterpart_is_left_out(
    make: Callable[[], nn.Module], counterparts: set[str], tmp_path: Path
) -> None:
    found = _seen(make(), 8, tmp_path)
    assert {layer.counterpart for layer in found.layers} == counterparts
    assert min(layer.snr_db for layer in found.layers) > 100


def test_a_folded_norm_is_named_with_its_convolution(tmp_path: Path) -> None:
    (layer, *_) = _seen(_NormOutside(), 8, tmp_path).layers
    assert (layer.layer, layer.counterpart) == ("block.conv", "norm")
