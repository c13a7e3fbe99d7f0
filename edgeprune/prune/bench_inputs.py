"""What the networks of a proof are run on: the user's inputs, as few and small as will do.

Which channels there are does not depend on the number of samples or the size of an image, and
float64 convolutions are slow: a 15-GMAC network on its full image would take minutes to prove.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from edgeprune.models.inputs import InputSpec

_SEED = 5
_SAMPLES = 2
_ENOUGH_MACS = 1e9
_LEAST_SIDE = 32  # and the unit of sides, for networks that halve the image five times
_IMAGE_AXES = 4  # (N, C, H, W) or more


def bench_inputs(
    example_inputs: tuple[Tensor, ...], macs: int, specs: Sequence[InputSpec] | None = None
) -> list[tuple[Tensor, ...]]:
    """Inputs to try, the cheapest first; the last are the user's own.

    Args:
        example_inputs: what the user calls the network with. Inputs with a single value everywhere
            (zeros, ones) are drawn at random instead, here and in every smaller version.
        macs: cost of a run on them.
        specs: what the network says of its inputs; ids are drawn anew then, none of them of the
            row for padding: a bag that happens to be empty shows nothing of its table.
    """
    told = specs or (None,) * len(example_inputs)
    whole = tuple(
        _varied(value.detach(), spec) for value, spec in zip(example_inputs, told, strict=True)
    )
    tried = [whole]
    samples = {value.shape[0] for value in whole if value.dim()}
    if len(samples) == 1 and (count := samples.pop()) > _SAMPLES:
        tried.append(tuple(value[:_SAMPLES] if value.dim() else value for value in whole))
        macs = macs * _SAMPLES // count
    few = tried[-1]
    halvings = 0
    while macs >> 2 * halvings > _ENOUGH_MACS:
        halvings += 1
        cropped = tuple(_cropped(value, halvings) for value in few)
        if all(a.shape == b.shape for a, b in zip(cropped, tried[-1], strict=True)):
            break
        tried.append(cropped)
    return tried[::-1]


def _cropped(value: Tensor, halvings: int) -> Tensor:
    """The image's corner, its sides halved and rounded to whole units."""
    if value.dim() < _IMAGE_AXES or not value.is_floating_point():
        return value
    height, width = (_side(side, halvings) for side in value.shape[-2:])
    return value[..., :height, :width]


def _side(side: int, halvings: int) -> int:
    return min(side, max(_LEAST_SIDE, (side >> halvings) // _LEAST_SIDE * _LEAST_SIDE))


def _varied(value: Tensor, spec: InputSpec | None) -> Tensor:
    if spec is not None and spec.rows:
        return _ids(value, spec.rows)
    if not value.is_floating_point() or value.numel() == 0:
        return value
    if bool((value != value.flatten()[0]).any()):
        return value
    generator = torch.Generator().manual_seed(_SEED)
    return torch.randn(value.shape, generator=generator).to(value)


def _ids(value: Tensor, rows: tuple[int, ...]) -> Tensor:
    """Ids that every table has, from row 1 on where it has more."""
    uniform = torch.rand(value.shape, generator=torch.Generator().manual_seed(_SEED))
    known = torch.tensor(rows, dtype=uniform.dtype)
    drawn = 1 + (uniform * (known - 1)).long()
    return torch.minimum(drawn, known.long() - 1).to(value)
