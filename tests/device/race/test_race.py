"""The last gate: sparse layers that lose to the dense engine go back, and the race says so."""

from __future__ import annotations

import pytest

from edgeprune.device.race.race import ProfiledLayer, race


def _layer(name: str, ms: float, *parts: str) -> ProfiledLayer:
    return ProfiledLayer(name, ms, parts)


_DENSE = (
    _layer("conv1 + relu1", 0.10, "conv1", "relu1"),
    _layer("conv2 + relu2", 0.20, "conv2", "relu2"),
    _layer("fc", 0.05, "fc"),
)


def test_a_layer_that_is_slower_than_what_was_fused_with_it_goes_back() -> None:
    sparse = (
        _layer("conv1", 0.08, "conv1"),
        _layer("relu1", 0.03, "relu1"),
        _layer("conv2", 0.10, "conv2"),
        _layer("relu2", 0.03, "relu2"),
        _layer("fc", 0.05, "fc"),
    )
    found = race(_DENSE, sparse, ("conv1", "conv2"))
    assert found.back == ("conv1",)
    assert found.comparisons[0].sparse_ms == pytest.approx(0.11)
    assert found.reasons[0] == "conv1: sparse lost with 0.110 ms against 0.100 ms dense"
    assert found.reasons[1].startswith("conv2: sparse won")
    assert (found.dense_ms, found.sparse_ms) == (pytest.approx(0.35), pytest.approx(0.29))


def test_copies_count_for_the_layer_that_they_serve() -> None:
    sparse = (
        _layer("conv1 + relu1", 0.10, "conv1", "relu1"),
        _layer("Reformatting CopyNode for Input Tensor 0 to conv2", 0.06),
        _layer("conv2", 0.12, "conv2", "relu2"),
        _layer("Reformatting CopyNode for Input Tensor 0 to fc", 0.50),
        _layer("fc", 0.05, "fc"),
    )
    (found,) = race(_DENSE, sparse, ("conv2",)).comparisons
    assert found.sparse_ms == pytest.approx(0.18)
    assert not found.goes_back


def test_names_that_end_alike_are_not_confused() -> None:
    dense = (_layer("conv", 0.1, "conv"), _layer("my conv", 0.1, "my"))
    sparse = (
        _layer("conv", 0.05, "conv"),
        _layer("my conv", 0.1, "my"),
        _layer("Reformatting CopyNode for Input Tensor 0 to my conv", 0.9),
    )
    (found,) = race(dense, sparse, ("conv",)).comparisons
    assert found.sparse_ms == pytest.approx(0.05)


def test_sparse_layers_that_dense_fuses_are_judged_together() -> None:
    dense = (_layer("a + b", 0.3, "a", "b"), _layer("c", 0.1, "c"))
    sparse = (_layer("a", 0.05, "a"), _layer("b", 0.3, "b"), _layer("c", 0.05, "c"))
    found = race(dense, sparse, ("a", "b", "c"))
    assert [one.layers for one in found.comparisons] == [("a", "b"), ("c",)]
    assert found.back == ("a", "b")


def test_a_tie_goes_to_dense() -> None:
    assert race((_layer("a", 0.1, "a"),), (_layer("a", 0.1, "a"),), ("a",)).back == ("a",)


def test_a_layer_that_a_profile_does_not_name_goes_back_and_is_told() -> None:
    found = race(_DENSE, (_layer("Myelin", 0.01),), ("conv1",))
    assert found.back == ("conv1",)
    assert found.reasons == ("conv1: a profile does not name it, so it goes back",)
