"""The 3x3 layers of ResNet-18 and WRN-16-2, each with the tile of channels that suits it best."""

from __future__ import annotations

from dataclasses import replace

from edgeprune.device.sparse import formats
from edgeprune.device.sparse.blocks import PackedConv
from edgeprune.device.sparse.channel_tiles import best_channel_tile
from edgeprune.device.sparse.conv import ConvShape
from sparse_harness.structures import FLOAT16, HWC8, LINEAR, Convolution

# (input channels, outputs, size of the input, stride)
_RESNET18 = (
    (64, 64, 56, 1), (64, 128, 56, 2), (128, 128, 28, 1), (128, 256, 28, 2), (256, 256, 14, 1),
    (256, 512, 14, 2), (512, 512, 7, 1),
)  # fmt: skip
_WRN16_2 = (
    (16, 32, 32, 1), (32, 32, 32, 1), (32, 64, 32, 2), (64, 64, 16, 1), (64, 128, 16, 2),
    (128, 128, 8, 1),
)  # fmt: skip


def layers(*, vector: int, type: int, layout: int = LINEAR) -> dict[str, Convolution]:
    """By name: network, channels, output size and stride. Tiles of channels are one channel."""
    found = {}
    for network, shapes in (("resnet18", _RESNET18), ("wrn_16_2", _WRN16_2)):
        for inputs, outputs, size, stride in shapes:
            conv = Convolution(
                inputs,
                outputs,
                (size, size),
                stride=(stride, stride),
                vector=vector,
                type=type,
                layout=layout,
            )
            name = f"{network} {inputs}>{outputs} {conv.output_size[0]}x{conv.output_size[1]}"
            found[f"{name} s{stride}"] = replace(conv, channel_tile=1)
    return found


def with_channel_tile(conv: Convolution, density: float) -> Convolution:
    """With the tile of channels that export packs it with."""
    return replace(conv, channel_tile=best_channel_tile(packed_conv(conv), density))


def packed_conv(conv: Convolution) -> PackedConv:
    """What the package's own rules take."""
    shape = ConvShape(
        conv.channels, conv.outputs, conv.size, conv.output_size, conv.kernel, conv.stride,
        conv.dilation, conv.groups, conv.batch,
    )  # fmt: skip
    precision = "fp16" if conv.type == FLOAT16 else "fp32"
    layout = formats.HWC8 if conv.layout == HWC8 else formats.LINEAR
    return PackedConv(shape, conv.vector, conv.channel_tile, precision, layout, conv.sm)
