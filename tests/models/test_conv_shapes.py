"""The sizes of convolutions as they run."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from edgeprune.device.sparse.conv import ConvShape
from edgeprune.models.conv_shapes import conv_shapes
from edgeprune.models.registry import build_model
from edgeprune.models.summary import summarise


class _Twice(nn.Module):
    """One convolution at two sizes, one that is transposed and one that never runs."""

    def __init__(self) -> None:
        super().__init__()
        self.again = nn.Conv2d(4, 4, 3, padding=1, groups=2)
        self.up = nn.ConvTranspose2d(4, 4, 2, stride=2)
        self.odd = nn.Conv2d(4, 6, (1, 5), stride=(2, 1), dilation=(1, 2))
        self.idle = nn.Conv2d(4, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.odd(self.again(self.up(self.again(x))))


def test_every_convolution_that_runs_is_seen_at_its_largest() -> None:
    found = conv_shapes(_Twice(), (torch.zeros(2, 4, 6, 10),))
    assert found == {
        "again": ConvShape(4, 4, (12, 20), (12, 20), (3, 3), groups=2, batch=2),
        "odd": ConvShape(4, 6, (12, 20), (6, 12), (1, 5), (2, 1), (1, 2), batch=2),
    }


def test_macs_are_those_of_the_summary() -> None:
    network = build_model("resnet20", num_classes=10)
    image = (torch.zeros(1, 3, 32, 32),)
    macs = {layer.name: layer.macs for layer in summarise(network, image).layers}
    found = conv_shapes(network, image)
    assert len(found) >= 19
    assert all(shape.macs == macs[name] for name, shape in found.items())
    assert network.training
