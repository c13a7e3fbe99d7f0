"""The network of films: its maps, its taps and its sizes."""

from __future__ import annotations

import pytest
import torch

from edgeprune.distill.taps import default_taps, tap_shapes
from edgeprune.errors import UserInputError
from edgeprune.models.initialise import start_at
from edgeprune.models.registry import build_model, list_archs, native_image_size


def test_every_tap_is_a_map_of_several_positions() -> None:
    network = build_model("movie_cnn_2_8", num_classes=1, in_channels=30).eval()
    inputs = torch.randn(3, 30, 1, 1)
    assert network(inputs).shape == (3, 1)
    taps = default_taps(network, inputs)
    assert taps == tuple(f"stages.{number}" for number in range(6))
    shapes = [shape[1:] for shape in tap_shapes(network, taps, inputs)]
    assert shapes == [(8, 1, 16)] * 2 + [(16, 1, 8)] * 2 + [(16, 1, 4)] * 2


def test_names_and_sizes() -> None:
    assert "movie_cnn" in list_archs()
    assert native_image_size("movie_cnn_1_16") == 1
    small = build_model("movie_cnn_1_16", num_classes=1, in_channels=197)
    # The dense stem, as a transposed convolution, holds most of it.
    assert small.get_parameter("spread.weight").numel() == 197 * 16 * 16
    assert sum(p.numel() for p in small.parameters()) == 64_769
    with pytest.raises(UserInputError, match="dropout must be"):
        build_model("movie_cnn", num_classes=1, in_channels=4, dropout=1.5)
    with pytest.raises(UserInputError, match="unknown architecture"):
        build_model("movie_cnn_0_16", num_classes=1, in_channels=4)


def test_a_network_of_values_starts_at_their_mean() -> None:
    network = build_model("movie_cnn_1_8", num_classes=1, in_channels=5).eval()
    start_at(network, 6.25)
    assert network(torch.zeros(1, 5, 1, 1)).item() == pytest.approx(6.25, abs=0.05)
