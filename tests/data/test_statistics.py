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


def test_of_very_large_sets_a_sample_is_read() -> None:
    class Repeated(MemorySamples):
        def gather(self, index: torch.Tensor, *, draw: int) -> tuple[torch.Tensor, ...]:
            read.append(len(index))
            return super().gather(index % 10, draw=draw)

    read: list[int] = []
    images = torch.randint(0, 256, (10, 3, 140, 140), dtype=torch.uint8)
    mean, _ = mean_and_std(Repeated(images), torch.arange(20_000))
    assert sum(read) == 5_001
    assert abs(mean[0] - 0.5) < 0.01


def test_a_constant_channel_keeps_a_usable_deviation() -> None:
    mean, std = mean_and_std(
        MemorySamples(torch.full((9, 1, 2, 2), 51, dtype=torch.uint8)), torch.arange(9)
    )
    assert mean == (0.2,)
    assert std == (1 / 255,)
