"""The 3x3 convolutions of two networks, those of one shape as one layer."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from edgeprune.models.registry import build_model

NETWORKS = {"wrn_16_2": 32, "resnet18": 224}  # sides of their images


@dataclass(frozen=True)
class ConvLayer:
    """A convolution with a 3x3 kernel and a border of 1.

    Attributes:
        network: that it is of.
        modules: how many convolutions of the network have this shape.
        inputs: channels.
        outputs: channels.
        side: of the input, in pixels.
        stride: of the convolution.
    """

    network: str
    modules: int
    inputs: int
    outputs: int
    side: int
    stride: int

    @property
    def name(self) -> str:
        """For people: `wrn_16_2 32>64 32² /2`."""
        stride = f" /{self.stride}" if self.stride > 1 else ""
        return f"{self.network} {self.inputs}>{self.outputs} {self.side}²{stride}"

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one image."""
        return self.inputs * self.outputs * 9 * (-(-self.side // self.stride)) ** 2


def layers_of(network: str) -> list[ConvLayer]:
    """In the order in which an image meets them."""
    model = build_model(network, num_classes=10, in_channels=3).eval()
    found: dict[tuple[int, ...], int] = {}

    def note(module: nn.Conv2d, inputs: tuple[torch.Tensor, ...], _output: object) -> None:
        shape = (*module.weight.shape[:2], inputs[0].shape[-1], module.stride[0])
        found[shape] = found.get(shape, 0) + 1

    for module in model.modules():
        if isinstance(module, nn.Conv2d) and module.kernel_size == (3, 3):
            module.register_forward_hook(note)
    side = NETWORKS[network]
    with torch.no_grad():
        model(torch.zeros(1, 3, side, side))
    return [
        ConvLayer(network, modules, inputs, outputs, size, stride)
        for (outputs, inputs, size, stride), modules in found.items()
    ]
