"""What is calibrated on: as many images as were asked for."""

from __future__ import annotations

import pytest

from edgeprune.data.registry import load_data
from edgeprune.export.precision.calibration import calibration_feeds


@pytest.mark.parametrize("samples", [1, 3, 64, 100, 130])
def test_as_many_images_as_asked_for(samples: int) -> None:
    feeds = calibration_feeds(load_data("digits", seed=0), ("input",), samples)
    assert sum(len(feed["input"]) for feed in feeds) == samples
    assert {feed["input"].shape[1:] for feed in feeds} == {(1, 8, 8)}


def test_no_more_than_there_are() -> None:
    data = load_data("digits", seed=0, train_limit=100)
    feeds = calibration_feeds(data, ("input",), 10_000)
    assert 64 <= sum(len(feed["input"]) for feed in feeds) <= data.size("train")
