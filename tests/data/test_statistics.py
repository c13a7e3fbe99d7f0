"""Mean and deviation from histograms equal the textbook's."""

from __future__ import annotations

import torch

from edgeprune.data.samples import MemorySamples
from edgeprune.data.statistics import mean_and_std


def test_equals_torch_over_the_chosen_positions() -> None:
    images = torch.randint(0, 256, (2500, 3, 4, 4), dtype=torch.uint8)
    images[:, 1] //= 4
    positions = torch.arange(0, 2500, 2)
    mean, std = mean_and_std(MemorySamples(images), positions)
    chosen = images[positions].double() / 255
    torch.testing.assert_close(torch.tensor(mean).double(), chosen.mean(dim=(0, 2, 3)))
    expected = chosen.std(dim=(0, 2, 3), correction=0)
    torch.testing.assert_close(torch.tensor(std).double(), expected)


def test_a_constant_channel_keeps_a_usable_deviation() -> None:
    mean, std = mean_and_std(
        MemorySamples(torch.full((9, 1, 2, 2), 51, dtype=torch.uint8)), torch.arange(9)
    )
    assert mean == (0.2,)
    assert std == (1 / 255,)
