"""Teacher files and data sets that cannot be used: one clear line each, and nothing runs."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from command_line import complaint, edgeprune, leftovers
from image_folder import image_folder
from PIL import Image
from trap import Trap, exported_trap

QUICK = ("--epochs", "2", "--set", "train_limit=128", "--set", "batch_size=32", "--device", "cpu")
Files = Callable[[Path, bytes], Path]


def _write(content: bytes) -> Files:
    def make(folder: Path, _good: bytes) -> Path:
        (folder / "m.pt").write_bytes(content)
        return folder / "m.pt"

    return make


def _truncated(folder: Path, good: bytes) -> Path:
    return _write(good[: len(good) // 2])(folder, good)


def _pickled_trap(folder: Path, _good: bytes) -> Path:
    torch.save({"state_dict": {"fc.weight": Trap(folder / "ran")}}, folder / "m.pt")
    return folder / "m.pt"


def _exported_trap(folder: Path, _good: bytes) -> Path:
    return exported_trap(folder, Trap(folder / "ran"))


def _crafted(*keys: str, to: object) -> Files:
    def make(folder: Path, good: bytes) -> Path:
        content = torch.load(io.BytesIO(good), weights_only=True)
        place = content
        for key in keys[:-1]:
            place = place.setdefault(key, {})
        place[keys[-1]] = to
        torch.save(content, folder / "m.pt")
        return folder / "m.pt"

    return make


_FILES: dict[str, tuple[Files, str]] = {
    "missing": (lambda folder, _: folder / "m.pt", "no such file"),
    "a folder": (lambda folder, _: folder, "not a file"),
    "empty": (_write(b""), "empty"),
    "foreign": (_write(b"GIF89a, an image"), "not a file that torch.save"),
    "truncated": (_truncated, "cut off or damaged"),
    "a pickle that runs": (_pickled_trap, "--trust-pickle"),
    "a program that runs": (_exported_trap, "--trust-pickle"),
    "arch that is code": (_crafted("arch", to="os:system"), "--model"),
    "arch that is a path": (_crafted("arch", to="../../etc/passwd"), "not in the registry"),
    "arch of other weights": (_crafted("arch", to="wrn_16_1"), "another network"),
    "an attribute that is code": (
        _crafted("attributes", "conv1", "forward", to="os.system"), "forward"),
    "an attribute that is huge": (
        _crafted("attributes", "conv1", "out_channels", to=10**12), "conv1"),
    "a module that is not there": (
        _crafted("attributes", "nowhere", "out_channels", to=3), "nowhere"),
}  # fmt: skip


@pytest.mark.parametrize("name", _FILES)
def test_teacher_files_that_cannot_be_used(
    teacher: Path, tmp_path: Path, out: Path, name: str
) -> None:
    make, named = _FILES[name]
    folder = tmp_path / "files"
    folder.mkdir()
    file = make(folder, teacher.read_bytes())
    for command in (
        ("compress", file, "--data", "digits", *QUICK, "--out", out),
        ("inspect", file),
    ):
        line = complaint(edgeprune(*command), 2)
        assert named in line
        assert str(file) in line
        assert not (folder / "ran").exists(), "nothing in a file may run"
    assert not leftovers(out)


_DATA: dict[str, tuple[str, str]] = {
    "unknown": ("magic", "imagefolder:DIR_OR_TAR"),
    "missing folder": ("imagefolder:/no/such/folder", "/no/such/folder"),
    "missing files": ("cifar10:/no/such/folder", "cifar-10-batches-py"),
    "fewer classes than a copied teacher": ("odd_user_code:five_digits", "--student"),
    "classes the teacher does not know": ("odd_user_code:letters", "'a'"),
    "another number of channels": ("odd_user_code:in_colour", "channel(s)"),
    "another image size": ("odd_user_code:larger", "--set image_size=8"),
    "a factory that fails": ("odd_user_code:failing_data", "first line second line"),
    "a factory of nowhere": ("no_such_module:data", "no_such_module"),
}


@pytest.mark.parametrize("name", _DATA)
def test_data_that_does_not_fit(teacher: Path, out: Path, name: str) -> None:
    spec, named = _DATA[name]
    ended = edgeprune("compress", teacher, "--data", spec, *QUICK, "--out", out)
    assert named in complaint(ended, 2)
    assert not leftovers(out.parent)


def _damage_one(root: Path) -> None:
    file = root / "train" / "3" / "1.png"
    file.write_bytes(file.read_bytes()[:40])


def _empty_class(root: Path) -> None:
    for file in (root / "train" / "3").iterdir():
        file.unlink()


def _one_larger(root: Path) -> None:
    Image.new("RGB", (16, 9)).save(root / "train" / "3" / "1.png")


def _no_test(root: Path) -> None:
    (root / "test").rename(root / "testing")


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (_damage_one, "train/3/1.png"),
        (_empty_class, "no images in train/3"),
        (_one_larger, "--set image_size="),
        (_no_test, "neither val/ nor test/"),
        (lambda root: (root / "test" / "3").rename(root / "test" / "three"), "'three'"),
    ],
)
def test_image_folders_that_cannot_be_used(
    teacher: Path, tmp_path: Path, out: Path, damage: Callable[[Path], None], named: str
) -> None:
    folder = image_folder(tmp_path / "images")
    damage(folder)
    data = ("--data", f"imagefolder:{folder}", *QUICK)
    line = complaint(edgeprune("compress", teacher, *data, "--out", out), 2)
    assert named in line
    assert str(folder) in line
    assert not leftovers(out)


def test_an_empty_folder_and_an_archive_cut_off(teacher: Path, tmp_path: Path, out: Path) -> None:
    empty, archive = tmp_path / "empty", tmp_path / "cut.tar"
    empty.mkdir()
    archive.write_bytes(b"\0" * 100)
    for place, named in ((empty, "no images"), (archive, "not a whole .tar")):
        data = ("--data", f"imagefolder:{place}", *QUICK)
        assert named in complaint(edgeprune("compress", teacher, *data, "--out", out), 2)
