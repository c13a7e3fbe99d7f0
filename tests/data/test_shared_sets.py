"""The research-use archives that stand beside the repository, where they do."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from edgeprune.data import load_data

_SHARED = Path(__file__).parents[3] / "shared" / "data"

pytestmark = [pytest.mark.shared_data, pytest.mark.slow]


@pytest.mark.parametrize(
    ("name", "classes", "sizes"),
    [
        ("tinyimagenet100-32px.tar", 100, [45_000, 5_000, 5_000]),
        ("cifar10-jpeg.tar", 10, [45_000, 5_000, 10_000]),
    ],
)
def test_archives_are_read_whole(name: str, classes: int, sizes: list[int]) -> None:
    if not (_SHARED / name).is_file():
        pytest.skip(f"needs {name} in ../shared/data, which is not part of this repository")
    data = load_data(f"imagefolder:{_SHARED / name}", seed=0)
    assert len(data.classes) == classes
    assert [data.size(split) for split in ("train", "val", "test")] == sizes
    val = torch.cat([batch.targets for batch in data.batches("val", batch_size=1000)])
    assert torch.bincount(val).tolist() == [5_000 // classes] * classes
