"""The 3x3 layers of ResNet-18 and WRN-16-2, each with the tile of channels that suits it best."""

from __future__ import annotations

from dataclasses import replace

from sparse_harness.planner import Planner
from sparse_harness.structures import LINEAR, Convolution

# (input channels, outputs, size of the input, stride)
_RESNET18 = (
    (64, 64, 56, 1), (64, 128, 56, 2), (128, 128, 28, 1), (128, 256, 28, 2), (256, 256, 14, 1),
    (256, 512, 14, 2), (512, 512, 7, 1),
)  # fmt: skip
_WRN16_2 = (
    (16, 32, 32, 1), (32, 32, 32, 1), (32, 64, 32, 2), (64, 64, 16, 1), (64, 128, 16, 2),
    (128, 128, 8, 1),
)  # fmt: skip
_CANDIDATES = range(4, 129, 4)
SHARED_BYTES = 53 * 1024  # three blocks fill an SM of Orin


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


def with_channel_tile(planner: Planner, conv: Convolution, density: float) -> Convolution:
    """With the tile of channels whose default tactic suits best.

    Longer lists of weights leave a smaller remainder to lanes that split them; shared memory, of
    which three blocks have to find theirs, bounds them. Of tiles that are as good within a
    thousandth the largest is taken: it has the fewest barriers.
    """
    uses = {}
    for channel_tile in channel_tiles(conv):
        tiled = replace(conv, channel_tile=channel_tile)
        tactic = planner.default_tactic(tiled, density)
        plan = planner.plan(tiled, tactic)
        if not plan.reason and plan.shared_bytes <= SHARED_BYTES:
            uses[channel_tile] = planner.suitability(tiled, tactic, density)
    best = max(uses.values())
    return replace(conv, channel_tile=max(c for c, use in uses.items() if use > best - 0.001))


def channel_tiles(conv: Convolution) -> list[int]:
    """Those worth trying."""
    inputs = conv.channels // conv.groups
    return [*(c for c in _CANDIDATES if c < inputs), inputs]
