from __future__ import annotations

import os
import subprocess
import sys

import pytest
import torch
from torch import nn

from edgeprune.train.memory_layout import in_layout, lay_out, sheltered


def _shortcut(width: int, stride: int = 2) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(3, width, 3), nn.Conv2d(width, 32, 1, stride=stride))


def test_networks_train_channels_last() -> None:
    network = _shortcut(16)
    lay_out(network)
    assert network[0].weight.is_contiguous(memory_format=torch.channels_last)


def test_inputs_follow_the_layout_and_vectors_stay() -> None:
    image, vector = torch.rand(2, 3, 4, 4), torch.rand(2, 5)
    laid, same = in_layout((image, vector))
    assert laid.is_contiguous(memory_format=torch.channels_last)
    assert same is vector


@pytest.mark.parametrize("channels", [1, 3])
def test_what_a_network_makes_of_its_inputs_is_channels_last(channels: int) -> None:
    """Images of one channel lie alike in both layouts; their strides say which it is."""
    convolution = nn.Conv2d(channels, 4, 3)
    images = torch.rand(2, channels, 6, 7)
    (laid,) = in_layout((images,))
    assert torch.equal(laid, images)
    found = convolution(laid)
    assert not found.is_contiguous()
    torch.testing.assert_close(found, convolution(images))


@pytest.mark.parametrize(
    ("width", "stride", "narrow"), [(4, 2, True), (1, 2, True), (4, 1, False), (16, 2, False)]
)
def test_narrow_strided_shortcuts_alone_run_contiguously(
    width: int, stride: int, narrow: bool
) -> None:
    network = _shortcut(width, stride)
    # A kernel whose strides say channels-last, as one may have that comes from a file.
    network[1].weight.data = torch.rand(32, 1, 1, width).movedim(3, 1)
    lay_out(network)
    assert network[1].weight.stride(2) == (1 if narrow else width)
    planes: list[bool] = []

    def look(_: nn.Module, args: tuple[torch.Tensor], output: torch.Tensor) -> None:
        planes.append(args[0].stride(1) == args[0][0, 0].numel())
        assert output.is_contiguous(memory_format=torch.channels_last)

    images = in_layout((torch.rand(2, 3, 10, 10),))
    with sheltered(network):
        handle = network[1].register_forward_hook(look)
        found = network(*images)
        handle.remove()
    assert planes == [narrow]
    assert not network[1]._forward_pre_hooks
    assert not network[1]._forward_hooks
    torch.testing.assert_close(network(*images), found)


def test_a_shortcut_may_be_called_by_name_or_with_a_single_image() -> None:
    shortcut = nn.Conv2d(4, 8, 1, stride=2)
    images = torch.rand(2, 4, 6, 6)
    expected = shortcut(images)
    with sheltered(shortcut):
        torch.testing.assert_close(shortcut(input=images), expected)
        torch.testing.assert_close(shortcut(images[0]), expected[0])


_TRAINING = """
import torch
from torch import nn
from edgeprune.train.memory_layout import in_layout, lay_out, sheltered
for width in (3, 4, 6, 8):
    network = nn.Sequential(nn.Conv2d(3, width, 3), nn.Conv2d(width, 32, 1, stride=2))
    lay_out(network)
    for _ in range(100):
        with sheltered(network):
            found = network(*in_layout((torch.rand(32, 3, 10, 10),)))
        found.square().mean().backward()
    assert torch.isfinite(network[1].weight.grad).all()
"""


@pytest.mark.parametrize("instructions", ["AVX2", "DEFAULT"])
def test_training_through_a_narrow_strided_shortcut_survives(instructions: str) -> None:
    """Unsheltered, oneDNN's kernels of AVX2 write out of bounds here, and the process aborts."""
    done = subprocess.run(
        [sys.executable, "-c", _TRAINING], capture_output=True, encoding="utf-8", check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1", "ONEDNN_MAX_CPU_ISA": instructions},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
