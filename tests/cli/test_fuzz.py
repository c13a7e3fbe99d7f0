"""200 corrupted inputs: no traceback, nothing executed, exit 2 (or 0 where the file is still good).

Model files go through `inspect`; images through `compress`, with a teacher for images of another
size, so that nothing is trained even where the damage can be read over.
"""

from __future__ import annotations

import io
import random
import shutil
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from command_line import Ended, complaint, edgeprune, leftovers
from corruption import damaged, damaged_inside
from image_folder import CLASSES, image_folder
from trap import Trap, exported_trap

from edgeprune.cli.exit_codes import code_and_line
from edgeprune.recipe import load_recipe, resolve_recipe

CHECKPOINTS, CRAFTED, PROGRAMS, RECIPES, IMAGES, ARCHIVES = 60, 30, 20, 40, 30, 20


@pytest.fixture(scope="module")
def student(teacher: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A pruned network's checkpoint, with widths among its attributes."""
    path = tmp_path_factory.mktemp("student") / "student.pt"
    assert edgeprune("prune", teacher, "--target-params", "0.4", "--out", path).code == 0
    return path.read_bytes()


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """An exported program that creates `ran` beside itself if its pickle is loaded."""
    folder = tmp_path_factory.mktemp("program")
    return exported_trap(folder, Trap(folder / "ran")).read_bytes()


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return image_folder(tmp_path_factory.mktemp("images") / "set")


@pytest.fixture
def marker(tmp_path: Path) -> Iterator[Path]:
    """What an executed payload would create; it must be absent afterwards."""
    path = tmp_path / "ran"
    yield path
    assert not path.exists(), "something in a file was executed"


def _told_or_sound(ended: Ended) -> None:
    if ended.code != 0:
        complaint(ended, 2)
    assert ended.code == 0 or not ended.out
    assert "Traceback" not in ended.err


def test_the_share_of_each_kind() -> None:
    assert CHECKPOINTS + CRAFTED + PROGRAMS + RECIPES + IMAGES + ARCHIVES == 200


@pytest.mark.parametrize("seed", range(CHECKPOINTS))
def test_checkpoints(tmp_path: Path, teacher: Path, student: bytes, seed: int) -> None:
    good = student if seed % 3 else teacher.read_bytes()
    deep = seed % 2 == 1
    path = tmp_path / "m.pt"
    path.write_bytes(damaged_inside(good, "/data.pkl", seed // 2) if deep else damaged(good, seed))
    ended = edgeprune("inspect", path)
    _told_or_sound(ended)
    if not deep and seed % 4 == 0:
        assert ended.code == 2, "a truncated checkpoint is never sound"


_VALUES: tuple[Callable[[random.Random], Any], ...] = (
    lambda draw: draw.choice([0, -1, 10**12, 2**63 - 1]),
    lambda draw: draw.choice(["os.system", "../../etc/passwd", "a\nb", "\x1b[2J", "", "x" * 10**5]),
    lambda draw: draw.choice([float("nan"), float("inf"), True, None]),
    lambda draw: [draw.choice([0, "x"])] * draw.choice([0, 1, 10**5]),
    lambda draw: {"x": {"y": draw.random()}},
    lambda draw: torch.zeros(draw.choice([(), (0,), (3, 3), (1, 2, 3, 4, 5)])),
)


def _replace_somewhere(content: Any, value: Any, draw: random.Random) -> None:
    """Walk down to some entry and put `value` there."""
    key = draw.choice(sorted(content, key=str))
    if isinstance(content[key], dict) and content[key] and draw.random() < 0.8:
        _replace_somewhere(content[key], value, draw)
    else:
        content[key] = value


@pytest.mark.parametrize("seed", range(CRAFTED))
def test_crafted_values(tmp_path: Path, student: bytes, marker: Path, seed: int) -> None:
    draw = random.Random(seed)
    content = torch.load(io.BytesIO(student), weights_only=True)
    trapped = seed % 5 == 4
    value = Trap(marker) if trapped else _VALUES[seed % len(_VALUES)](draw)
    _replace_somewhere(content, value, draw)
    torch.save(content, tmp_path / "m.pt")
    ended = edgeprune("inspect", tmp_path / "m.pt")
    _told_or_sound(ended)
    if trapped:
        assert "--trust-pickle" in complaint(ended, 2)


@pytest.mark.parametrize("seed", range(PROGRAMS))
def test_exported_programs(tmp_path: Path, program: bytes, seed: int) -> None:
    """Also under any other name: what a file is is told by its content."""
    path = tmp_path / ("m.pt2" if seed % 2 else "m.pt")
    inside = damaged_inside(program, ".json" if seed % 4 == 1 else ".pt", seed)
    path.write_bytes(damaged(program, seed) if seed % 2 else inside)
    complaint(edgeprune("inspect", path), 2)
    complaint(edgeprune("compress", path, "--data", "digits", "--out", tmp_path / "run"), 2)
    assert not leftovers(tmp_path / "run")


def test_no_exported_program_was_run(tmp_path: Path, marker: Path) -> None:
    """The same file with a trap that marks this folder, whole and trusted by nobody."""
    path = exported_trap(tmp_path, Trap(marker))
    assert "--trust-pickle" in complaint(edgeprune("inspect", path), 2)


def _crafted_recipe(content: dict[str, Any], marker: Path, seed: int) -> str:
    draw = random.Random(seed)
    key = draw.choice(sorted(content))
    payload = f"!!python/object/apply:os.mkdir ['{marker}']"
    texts = (
        f"{key}: {payload}",
        f"{payload}: 1",
        "[" * 50,
        "a: &a [1]\n" + "".join(f"b{i}: &b{i} [{'*a,' * 9}]\n" for i in range(9)),
        f"{key}: {draw.choice(['2026-99-99', '0x', '.inf', '~', '[]', '{}', '1e999', '-1'])}",
        f"{draw.choice(['__class__', 'model_config', 'epoch', '1', 'null'])}: 1",
        f"{key}: {'9' * 5_000}",
    )
    lines = [f"{name}: {value!r}" for name, value in content.items() if name != key]
    return "\n".join([texts[seed // 2 % len(texts)], *lines])


@pytest.mark.parametrize("seed", range(RECIPES))
def test_recipes(tmp_path: Path, marker: Path, seed: int) -> None:
    """Through the reader of run folders, which answers as the command line would."""
    recipe = resolve_recipe("sp_sad", "quick", {"data": "digits"})
    path = tmp_path / "recipe.yaml"
    if seed % 2:
        path.write_text(_crafted_recipe(yaml.safe_load(recipe.to_yaml()), marker, seed))
    else:
        path.write_bytes(damaged(recipe.to_yaml().encode(), seed // 2))
    _read_recipe(path)


# 28 levels of a pair of the level before: 2**28 items in under a kilobyte.
_ALIASES = "epochs:\n- &a0 [1]\n" + "".join(f"- &a{i + 1} [*a{i}, *a{i}]\n" for i in range(28))


@pytest.mark.parametrize(
    "text",
    ["x: " + "[" * 5_000, f"epochs: {'x' * 5_000}", _ALIASES],
    ids=["deep", "long", "aliases"],
)
def test_deep_and_long_recipes_are_one_short_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(f"method: sp_sad\ndata: digits\ntarget_params: 0.4\n{text}\n")
    _read_recipe(path)


def _read_recipe(path: Path) -> None:
    """Read it, and answer a failure as the command line would."""
    try:
        held = load_recipe(path)
    except Exception as failure:
        code, line = code_and_line(failure)
        assert code == 2, line
        assert "\n" not in line
        assert len(line) < 700
    else:
        assert held.epochs >= 1


def _compress_images(teacher: Path, place: Path, out: Path) -> None:
    """The teacher takes grey 8x8 digits: sound images in colour are refused as well."""
    data = ("--data", f"imagefolder:{place}", "--epochs", "2", "--device", "cpu")
    complaint(edgeprune("compress", teacher, *data, "--out", out), 2)
    assert not leftovers(out)


@pytest.mark.parametrize("seed", range(IMAGES))
def test_images(teacher: Path, images: Path, tmp_path: Path, out: Path, seed: int) -> None:
    folder = tmp_path / "images"
    shutil.copytree(images, folder)
    draw = random.Random(seed)
    for _ in range(draw.randint(1, 3)):
        split, name = draw.choice(("train", "test")), draw.choice(CLASSES)
        file = folder / split / name / "1.png"
        file.write_bytes(damaged(file.read_bytes(), seed))
    _compress_images(teacher, folder, out)


@pytest.mark.parametrize("seed", range(ARCHIVES))
def test_archives(teacher: Path, images: Path, tmp_path: Path, out: Path, seed: int) -> None:
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w:gz" if seed % 2 else "w") as archive:
        archive.add(images, arcname=".")
    path = tmp_path / "set.tar"
    path.write_bytes(damaged(whole.getvalue(), seed // 2))
    _compress_images(teacher, path, out)
