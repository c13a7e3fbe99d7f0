"""Users' own factories: what is accepted, and one line for everything else."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import Dataset, IterableDataset

from edgeprune.data import Data, Preprocessing, load_data
from edgeprune.errors import UserInputError

Install = Callable[[Callable[[], Any]], str]


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Install:
    """Make a factory importable and return its spec."""

    def put(factory: Callable[[], Any]) -> str:
        module = types.ModuleType("their_data")
        module.make = factory  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "their_data", module)
        return "their_data:make"

    return put


def _pair(count: int = 20, **changes: Any) -> tuple[Any, Any]:
    images = (torch.arange(count * 3 * 4 * 5) % 256).view(count, 3, 4, 5).to(torch.uint8)
    return changes.get("images", images), changes.get("labels", torch.arange(count) % 4)


class _Items(Dataset[Any]):
    """Images with noise from torch's generator, as random transforms draw it."""

    def __init__(self, count: int = 20, noise: float = 0.0) -> None:
        self.count, self.noise = count, noise

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, number: int) -> tuple[Any, int]:
        return torch.full((3, 4, 5), float(number)) + self.noise * torch.rand(3, 4, 5), number % 4


def test_bytes_are_measured_and_normalised(install: Install) -> None:
    data = load_data(install(lambda: {"train": _pair(), "test": _pair()}), seed=0, val_fraction=0.2)
    assert data.classes == ("0", "1", "2", "3")
    assert data.augment == "none"
    assert [data.size(split) for split in ("train", "val", "test")] == [16, 4, 20]
    images = torch.cat([batch.inputs[0] for batch in data.batches("train", batch_size=5)])
    assert images.mean(dim=(0, 2, 3)).abs().max() < 1e-5
    assert (images.std(dim=(0, 2, 3), correction=0) - 1).abs().max() < 1e-5


def test_everything_may_be_named(install: Install) -> None:
    made = {
        "train": _pair(),
        "val": _pair(8),
        "test": _pair(12),
        "classes": ["a", "b", "c", "d", "e"],
        "mean": [0.1, 0.2, 0.3],
        "std": np.array([0.5, 0.5, 0.5]),
        "augment": "crop-flip",
    }
    data = load_data(install(lambda: made), seed=0)
    assert [data.size(split) for split in ("train", "val", "test")] == [20, 8, 12]
    assert data.classes == ("a", "b", "c", "d", "e")
    assert data.preprocessing == Preprocessing((0.1, 0.2, 0.3), (0.5, 0.5, 0.5), (4, 5), 3)
    assert data.augment == "crop-flip"


def test_float_arrays_go_to_networks_as_they_are(install: Install) -> None:
    images = np.random.default_rng(0).normal(size=(20, 1, 4, 4))
    pair = (images, np.arange(20) % 4)
    data = load_data(install(lambda: {"train": pair, "test": pair}), seed=0)
    batch = next(data.batches("test", batch_size=20))
    assert batch.inputs[0].equal(torch.from_numpy(images).float())
    assert batch.inputs[0].dtype == torch.float32
    with pytest.raises(UserInputError, match="give uint8 images"):
        data.with_preprocessing(Preprocessing((0.5,), (0.5,), (4, 4), 1))


def test_data_sets_are_read_by_item(install: Install) -> None:
    data = load_data(install(lambda: {"train": _Items(), "test": _Items(8)}), seed=0)
    batch = next(data.batches("test", batch_size=8))
    assert batch.inputs[0][:, 0, 0, 0].tolist() == list(range(8))
    assert batch.targets.tolist() == [0, 1, 2, 3] * 2


def test_their_random_transforms_repeat_and_leave_our_generator(install: Install) -> None:
    spec = install(lambda: {"train": _Items(noise=1.0), "test": _Items(8)})
    data = load_data(spec, seed=0)
    options: dict[str, int] = {"batch_size": 6, "seed": 0}
    first = next(data.train_batches(epoch=0, **options))
    torch.rand(9)
    before = torch.random.get_rng_state()
    again = next(data.train_batches(epoch=0, **options))
    assert torch.equal(before, torch.random.get_rng_state())
    assert again.inputs[0].equal(first.inputs[0])
    other = next(data.train_batches(epoch=1, **options))
    assert not other.inputs[0].frac().equal(first.inputs[0].frac())


def test_pillow_images_of_torchvision_sets_are_taken(install: Install) -> None:
    class Pictures(_Items):
        def __init__(self) -> None:
            super().__init__()
            self.targets = [number % 4 for number in range(20)]

        def __getitem__(self, number: int) -> tuple[Any, int]:
            return Image.new("RGB", (5, 4), (number, 0, 255)), number % 4

    data = load_data(install(lambda: {"train": Pictures(), "test": Pictures()}), seed=0)
    assert data.preprocessing.image_size == (4, 5)
    assert data.preprocessing.mean[2] == 1
    other = load_data("their_data:make", seed=0, image_size=8)
    assert other.example_inputs(3)[0].shape == (3, 3, 8, 8)


def test_float_targets_are_regression(install: Install) -> None:
    pair = _pair(labels=torch.linspace(0, 1, 20))
    data = load_data(install(lambda: {"train": pair, "test": pair}), seed=0)
    assert data.task == "regression"
    assert data.classes == ()
    assert next(data.batches("test", batch_size=4)).targets.dtype == torch.float32


def test_a_data_comes_back_as_it_is(install: Install) -> None:
    made = load_data("digits", seed=0)
    spec = install(lambda: made)
    assert load_data(spec, seed=0) is made
    with pytest.raises(UserInputError, match="train_limit does not apply"):
        load_data(spec, seed=0, train_limit=5)
    with pytest.raises(UserInputError, match="val_fraction does not apply"):
        load_data(spec, seed=0, val_fraction=0.3)


def test_a_module_where_the_user_stands_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "import torch\ndef make():\n    pair = (torch.zeros(8, 1, 4, 4, dtype=torch.uint8), "
    text += "torch.arange(8) % 2)\n    return {'train': pair, 'test': pair}\n"
    (tmp_path / "standing_here.py").write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [p for p in sys.path if p not in ("", str(tmp_path))])
    data = load_data("standing_here:make", seed=0, val_fraction=0.25)
    assert isinstance(data, Data)
    assert data.preprocessing.std == (1 / 255,)


class _Endless(IterableDataset[Any]):
    def __iter__(self) -> Iterator[int]:
        return iter(())


class _Faulty(_Items):
    def __getitem__(self, number: int) -> tuple[Any, int]:
        if number == 3:
            raise KeyError("no such\nrow")
        return super().__getitem__(number)


class _Ragged(_Items):
    def __getitem__(self, number: int) -> tuple[Any, int]:
        return torch.zeros(3, 4, 5 + number % 2), number % 4


def _fail() -> Any:
    raise RuntimeError("no network\nat all")


@pytest.mark.parametrize(
    ("made", "named"),
    [
        (None, "must return a Data or a mapping"),
        ({"train": _pair()}, "must return a Data or a mapping"),
        ({"train": _pair(), "test": _pair(), "valid": _pair()}, "must return a Data or a mapping"),
        ({"train": _pair(), "test": 3}, "test: expected"),
        ({"train": _pair(), "test": _Endless()}, "test: expected"),
        ({"train": _pair(), "test": (["a"], ["b"])}, "test: cannot be made a tensor"),
        ({"train": _pair(), "test": _pair(labels=torch.arange(3))}, "20 images but 3 labels"),
        ({"train": _pair(), "test": _pair(0)}, "test: no samples"),
        ({"train": _pair(), "test": _Items(0)}, "test: no samples"),
        ({"train": _pair(), "test": _pair(labels=torch.zeros(20, 2))}, r"expected \(N,\)"),
        ({"train": _pair(images=torch.zeros(20, 7)), "test": _pair()}, "expected uint8 or float"),
        ({"train": _pair(images=torch.zeros(20, 3, 4, 5).int()), "test": _pair()}, "torch.int32"),
        ({"train": _pair(images=torch.zeros(20, 3, 4, 4)), "test": _pair()}, "images differ"),
        ({"train": _pair(), "test": _pair(labels=torch.arange(20))}, "run from 0 to 19"),
        ({"train": _pair(labels=torch.arange(20) - 1), "test": _pair()}, "run from -1"),
        ({"train": _pair(labels=torch.zeros(20).long()), "test": _pair()}, "1 class"),
        ({"train": _pair(), "test": _pair(), "classes": [1, 2]}, "list of strings"),
        ({"train": _pair(), "test": _pair(), "mean": [0.5], "std": [0.5]}, "per channel"),
        ({"train": _pair(), "test": _pair(), "mean": "abc", "std": [1] * 3}, "per channel"),
        ({"train": _pair(), "test": _pair(), "augment": "cutmix"}, "crop-flip"),
        ({"train": _Faulty(), "test": _pair()}, "item 3: KeyError: 'no such"),
        ({"train": _Ragged(), "test": _Ragged()}, "image_size"),
    ],
)
def test_unusable_results_are_one_line(install: Install, made: Any, named: str) -> None:
    with pytest.raises(UserInputError, match=named) as caught:
        _read_all(install(lambda: made))
    assert "\n" not in str(caught.value)


def _read_all(spec: str) -> None:
    data = load_data(spec, seed=0)
    list(data.batches("train", batch_size=20))


@pytest.mark.parametrize(
    ("spec", "named"),
    [
        ("no_such_module:make", "ModuleNotFoundError"),
        ("json:no_such_name", "AttributeError"),
        ("json:__doc__", "not a function"),
        ("their_data:make", "RuntimeError: no network at all"),
    ],
)
def test_unusable_factories_are_one_line(install: Install, spec: str, named: str) -> None:
    install(_fail)
    with pytest.raises(UserInputError, match=named) as caught:
        load_data(spec, seed=0)
    assert "\n" not in str(caught.value)
