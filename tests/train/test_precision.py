from __future__ import annotations

import torch
from torch import nn

from edgeprune.train.precision import in_layout, lay_out


def _shortcut(width: int, stride: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(3, width, 3), nn.Conv2d(width, 32, 1, stride=stride))


def test_networks_train_channels_last() -> None:
    network = _shortcut(16, 2)
    assert lay_out(network) == torch.channels_last
    assert network[0].weight.is_contiguous(memory_format=torch.channels_last)


def test_narrow_strided_shortcuts_keep_clear_of_the_kernel_that_writes_out_of_bounds() -> None:
    network = _shortcut(4, 2)
    lay_out(_shortcut(16, 2))
    assert lay_out(network) == torch.contiguous_format
    assert all(parameter.is_contiguous() for parameter in network.parameters())
    assert lay_out(_shortcut(4, 1)) == torch.channels_last


def test_inputs_follow_the_layout_and_vectors_stay() -> None:
    image, vector = torch.rand(2, 3, 4, 4), torch.rand(2, 5)
    laid, same = in_layout((image, vector), torch.channels_last)
    assert laid.is_contiguous(memory_format=torch.channels_last)
    assert same is vector


def test_training_through_a_narrow_strided_shortcut_survives() -> None:
    network = _shortcut(4, 2)
    layout = lay_out(network)
    for _ in range(20):
        (images,) = in_layout((torch.rand(32, 3, 10, 10),), layout)
        network(images).square().mean().backward()
    assert network[1].weight.grad is not None
    assert torch.isfinite(network[1].weight.grad).all()
