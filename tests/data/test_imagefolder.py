"""Image folders and archives: splits, order, sizes, and one line for every fault."""

from __future__ import annotations

import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from edgeprune.data import Data, imagefolder, load_data
from edgeprune.errors import CorruptFileError, UserInputError

FolderMaker = Callable[..., Path]
Encoder = Callable[..., bytes]

_COUNTS = {"train/cat": 6, "train/dog": 6, "test/cat": 2, "test/dog": 2}


def _load(path: Path, **options: object) -> Data:
    return load_data(f"imagefolder:{path}", seed=0, val_fraction=0.25, **options)  # type: ignore[arg-type]


def _sizes(data: Data) -> list[int]:
    return [data.size(split) for split in ("train", "val", "test")]


def _images(data: Data, split: str = "test") -> torch.Tensor:
    return torch.cat([b.inputs[0] for b in data.batches(split, batch_size=3)])  # type: ignore[arg-type]


def _targets(data: Data, split: str) -> list[int]:
    return [int(t) for b in data.batches(split, batch_size=3) for t in b.targets]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("counts", "sizes"),
    [
        (_COUNTS, [9, 3, 4]),
        ({k.replace("test", "val"): n for k, n in _COUNTS.items()}, [9, 3, 4]),
        ({**_COUNTS, "val/cat": 1, "val/dog": 2}, [12, 3, 4]),
    ],
)
def test_splits_are_as_named_or_carved(
    folder: FolderMaker, counts: dict[str, int], sizes: list[int]
) -> None:
    data = _load(folder(counts))
    assert _sizes(data) == sizes
    assert data.classes == ("cat", "dog")
    assert data.preprocessing.image_size == (8, 8)
    assert _targets(data, "test") == [0, 0, 1, 1]


@pytest.mark.parametrize("suffix", [".tar", ".tar.gz"])
@pytest.mark.parametrize("wrapper", ["", "set/", "./"])
def test_an_archive_is_the_folder(folder: FolderMaker, suffix: str, wrapper: str) -> None:
    root = folder(_COUNTS)
    path = root.parent / f"x{suffix}"
    with tarfile.open(path, "w:gz" if suffix == ".tar.gz" else "w") as out:
        for split in ("train", "test"):
            out.add(root / split, arcname=f"{wrapper}{split}")
    before = sorted(root.parent.rglob("*"))
    one, other = _load(root), _load(path)
    assert sorted(root.parent.rglob("*")) == before
    for split in ("train", "val", "test"):
        assert _images(one, split).equal(_images(other, split))
        assert _targets(one, split) == _targets(other, split)


def test_images_decoded_batch_by_batch_are_the_same(
    folder: FolderMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = folder(_COUNTS)
    one = _load(root)
    monkeypatch.setattr(imagefolder, "available_bytes", lambda: 1000)
    other = _load(root)
    assert one.preprocessing == other.preprocessing
    for mine, theirs in zip(
        one.train_batches(epoch=0, batch_size=4, seed=0),
        other.train_batches(epoch=0, batch_size=4, seed=0),
        strict=True,
    ):
        assert mine.inputs[0].equal(theirs.inputs[0])
    assert _images(one).equal(_images(other))


def test_progress_counts_all_images(folder: FolderMaker) -> None:
    calls: list[tuple[int, int]] = []
    _load(folder(_COUNTS), progress=lambda done, total: calls.append((done, total)))
    assert calls[-1] == (16, 16)
    assert calls == sorted(calls)


def test_mixed_sizes_need_image_size(folder: FolderMaker, encode: Encoder) -> None:
    root = folder(_COUNTS)
    (root / "train/dog/3.png").write_bytes(encode(1, (8, 9)))
    with pytest.raises(UserInputError, match=r"train/dog/3\.png is 8x9.*image_size=8"):
        _load(root)
    data = _load(root, image_size=6)
    assert data.preprocessing.image_size == (6, 6)
    assert _images(data).shape == (4, 3, 6, 6)


def test_large_images_keep_a_margin_for_cropping(folder: FolderMaker) -> None:
    data = _load(folder(_COUNTS, size=(20, 30)), image_size=112)
    batch = next(data.train_batches(epoch=0, batch_size=4, seed=0))
    assert data.augment == "random-resized-crop-flip"
    assert batch.inputs[0].shape == _images(data).shape == (4, 3, 112, 112)
    raw = data._splits["train"].samples.gather(torch.tensor([0]), draw=0)[0]
    assert raw.shape == (1, 3, 128, 128)


@pytest.mark.parametrize("memory", [10**9, 1000])
def test_unreadable_images_are_counted_and_the_first_named(
    folder: FolderMaker, monkeypatch: pytest.MonkeyPatch, memory: int
) -> None:
    root = folder(_COUNTS)
    for name in ("cat/2", "dog/1", "dog/4"):
        (root / f"train/{name}.png").write_bytes(b"not an image")
    monkeypatch.setattr(imagefolder, "available_bytes", lambda: memory)
    with pytest.raises(CorruptFileError, match=r"3 unreadable.*train/cat/2\.png: cannot id"):
        _load(root)


def test_a_first_image_that_is_unreadable_is_named(folder: FolderMaker) -> None:
    root = folder(_COUNTS)
    (root / "train/cat/0.png").write_bytes(b"")
    with pytest.raises(CorruptFileError, match=r"train/cat/0\.png"):
        _load(root)


def test_a_vanished_file_is_named(folder: FolderMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    root = folder(_COUNTS)
    monkeypatch.setattr(imagefolder, "available_bytes", lambda: 1000)
    data = _load(root)
    (root / "test/dog/1.png").unlink()
    with pytest.raises(CorruptFileError, match=r"1 unreadable.*test/dog/1\.png: No such file"):
        _images(data)


@pytest.mark.parametrize(
    ("counts", "named"),
    [
        ({"train/cat": 2, "train/dog": 0, "test/cat": 1}, "no images in train/dog"),
        ({"train/cat": 2, "train/dog": 2, "test/cow": 1}, "'cow' of test/ is not in train/"),
        ({"train/cat": 2, "train/dog": 2}, "neither val/ nor test/"),
        ({"cat": 2, "dog": 2}, "no train/"),
        ({"cat/a": 2, "test/cat": 2}, "no train/"),
        ({"train/cat": 0, "test/cat": 0}, "no images"),
        ({"train/cat": 9, "test/cat": 2}, "1 class"),
        ({"train/cat": 1, "train/dog": 1, "test/cat": 2, "test/dog": 1}, "val_fraction"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*has no images of")
def test_faulty_layouts_are_one_line(
    folder: FolderMaker, counts: dict[str, int], named: str
) -> None:
    root = folder(counts)
    with pytest.raises(UserInputError, match=named) as caught:
        _load(root) if "val_fraction" not in named else load_data(f"imagefolder:{root}", seed=0)
    assert "\n" not in str(caught.value)


def test_an_empty_or_missing_folder_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserInputError, match="no images"):
        _load(tmp_path)
    with pytest.raises(UserInputError, match="no such folder"):
        _load(tmp_path / "absent")


def test_a_class_without_test_images_is_warned_of(folder: FolderMaker) -> None:
    root = folder({"train/cat": 4, "train/dog": 4, "test/cat": 2})
    with pytest.warns(UserWarning, match="no images of 1 class.*dog"):
        _load(root)


def test_hidden_and_other_files_are_left_out_and_links_followed(folder: FolderMaker) -> None:
    root = folder(_COUNTS)
    (root / "train/cat/._0.png").write_bytes(b"resource fork")
    (root / "train/cat/notes.txt").write_text("boxes")
    (root / ".git").mkdir()
    (root / "train/emu").symlink_to(root / "train/dog")
    (root / "test/emu").symlink_to(root / "test/dog")
    data = _load(root)
    assert data.classes == ("cat", "dog", "emu")
    assert sum(_sizes(data)) == 24


def test_images_may_lie_deeper(folder: FolderMaker) -> None:
    data = _load(folder({f"{k}/images": n for k, n in _COUNTS.items()}))
    assert data.classes == ("cat", "dog")
