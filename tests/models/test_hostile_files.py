"""Files made to break or to run something: one clear line each, and nothing runs."""

from __future__ import annotations

import io
import os
import pickle
import random
import resource
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from edgeprune.data.preprocessing import Preprocessing
from edgeprune.errors import CorruptFileError, EdgepruneError, UserInputError
from edgeprune.models.checkpoint import (
    checkpoint_of,
    load_checkpoint,
    restore_model,
    save_checkpoint,
)
from edgeprune.models.registry import build_model
from edgeprune.models.teacher import load_teacher

_ARGS = {"num_classes": 3, "in_channels": 1}


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("good") / "good.pt"
    checkpoint = checkpoint_of(
        build_model("wrn_10_1", **_ARGS),
        arch="wrn_10_1",
        arch_args=_ARGS,
        preprocessing=Preprocessing((0.3,), (0.4,), (8, 8), 1),
        classes=("a", "b", "c"),
    )
    save_checkpoint(path, checkpoint)
    return path.read_bytes()


@pytest.fixture
def memory_limit() -> Iterator[None]:
    """Nothing here may take memory by what a file claims: 4 GB more would fail."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[0]) * os.sysconf(
        "SC_PAGE_SIZE"
    )
    resource.setrlimit(resource.RLIMIT_AS, (used + 4 * 2**30, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


def _failure(load: Callable[[], object]) -> EdgepruneError | None:
    try:
        load()
    except EdgepruneError as error:
        return error
    return None


def _read(path: Path, **options: Any) -> EdgepruneError | None:
    """Load as a student and as a teacher; return the failure, which must be a user's one line."""
    failures = (
        _failure(lambda: restore_model(load_checkpoint(path))),
        _failure(lambda: load_teacher(path, mean=(0.5,), std=(0.5,), **options)),
    )
    for failure in failures:
        if failure is not None:
            assert failure.exit_code == 2
            assert len(str(failure).splitlines()) == 1
            assert len(str(failure)) < 700
    return failures[1]


def _corrupted(content: bytes, seed: int) -> bytes:
    draw = random.Random(seed)
    damaged = bytearray(content)
    kind = seed % 4
    if kind == 0:
        return bytes(damaged[: draw.randrange(len(damaged))])
    if kind == 1:
        for _ in range(draw.randint(1, 20)):
            damaged[draw.randrange(len(damaged))] ^= 1 << draw.randrange(8)
    elif kind == 2:
        start = draw.randrange(len(damaged))
        damaged[start : start + draw.randint(1, 4000)] = draw.randbytes(draw.randint(0, 4000))
    else:
        return _with_pickle(content, lambda data: _flip(data, draw))
    return bytes(damaged)


def _flip(data: bytes, draw: random.Random) -> bytes:
    damaged = bytearray(data)
    for _ in range(draw.randint(1, 4)):
        damaged[draw.randrange(len(damaged))] = draw.randrange(256)
    return bytes(damaged)


def _with_pickle(content: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """Rewrite the archive with another index and right checksums, so that deeper checks meet it."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w") as new:
        for entry in old.infolist():
            data = old.read(entry)
            changed = change(data) if entry.filename.endswith("/data.pkl") else data
            new.writestr(entry.filename, changed)
    return out.getvalue()


@pytest.mark.parametrize("seed", range(60))
@pytest.mark.usefixtures("memory_limit")
def test_corrupted_checkpoints(tmp_path: Path, good: bytes, seed: int) -> None:
    path = tmp_path / "m.pt"
    path.write_bytes(_corrupted(good, seed))
    failure = _read(path)
    if seed % 4 == 0:
        assert isinstance(failure, CorruptFileError)


def _crafted(good: bytes, path: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    content = torch.load(io.BytesIO(good), weights_only=True)
    changed = change(content)
    torch.save(content if changed is None else changed, path)


def _set(*keys: str, to: Any) -> Callable[[dict[str, Any]], None]:
    def change(content: dict[str, Any]) -> None:
        place = content
        for key in keys[:-1]:
            place = place[key]
        place[keys[-1]] = to

    return change


def _nested_references() -> list[Any]:
    inner: list[Any] = ["x"] * 50
    for _ in range(12):
        inner = [inner] * 50
    return inner


_CRAFTED = {
    "arch is code": _set("arch", to="os:system"),
    "arch is a path": _set("arch", to="../../etc/passwd"),
    "arch is a line": _set("arch", to="x\nTraceback"),
    "arch is no text": _set("arch", to=5),
    "arch is long": _set("arch", to="w" * 10**6),
    "arch is gigantic": _set("arch", to="wrn_100_99"),
    "arch is another": _set("arch", to="vit_h_14"),
    "argument is huge": _set("arch_args", "num_classes", to=10**12),
    "argument is negative": _set("arch_args", "in_channels", to=-1),
    "argument is unknown": _set("arch_args", "depth", to=5),
    "argument is the name": _set("arch_args", "arch", to=5),
    "argument is text": _set("arch_args", "weights", to="DEFAULT"),
    "arguments are a list": _set("arch_args", to=[3, 1]),
    "groups are zero": _set("attributes", "conv1", "groups", to=0),
    "width is negative": _set("attributes", "conv1", "out_channels", to=-5),
    "width is huge": _set("attributes", "conv1", "out_channels", to=10**12),
    "width is a float": _set("attributes", "conv1", "out_channels", to=16.0),
    "width is another": _set("attributes", "conv1", "out_channels", to=15),
    "attribute is a method": _set("attributes", "conv1", "forward", to=3),
    "attribute is private": _set("attributes", "conv1", "__class__", to="nn.Linear"),
    "module is missing": _set("attributes", "conv9", to={"out_channels": 3}),
    "attributes are a list": _set("attributes", to=["conv1"]),
    "attributes are flat": _set("attributes", "conv1", to=3),
    "weight is text": _set("state_dict", "fc.weight", to="x"),
    "weight is whole": _set("state_dict", "fc.weight", to=torch.ones(3, 64, dtype=torch.int64)),
    "weight is complex": _set("state_dict", "fc.weight", to=torch.ones(3, 64, dtype=torch.cfloat)),
    "weight is sparse": _set("state_dict", "fc.weight", to=torch.ones(3, 64).to_sparse()),
    "weight is nowhere": _set("state_dict", "fc.weight", to=torch.empty(3, 64, device="meta")),
    "weight is narrow": _set("state_dict", "fc.weight", to=torch.ones(3, 63)),
    "weight is flat": _set("state_dict", "fc.weight", to=torch.ones(192)),
    "weight is expanded": _set("state_dict", "fc.weight", to=torch.ones(1).expand(10**6, 10**6)),
    "weight is extra": _set("state_dict", "fc.scale", to=torch.ones(1)),
    "key is a number": lambda content: content["state_dict"].update({3: torch.ones(1)}),
    "state is empty": _set("state_dict", to={}),
    "state is a list": _set("state_dict", to=[torch.ones(1)]),
    "image is huge": _set("preprocessing", "image_size", to=[10**6, 10**6]),
    "image has no size": _set("preprocessing", "image_size", to=[]),
    "image is text": _set("preprocessing", "image_size", to="ab"),
    "image is another": _set("preprocessing", to={"mean": [0.0] * 3, "std": [1.0] * 3,
                                                  "image_size": [8, 8], "channels": 3}),
    "preprocessing is a list": _set("preprocessing", to=[1]),
    "std is zero": _set("preprocessing", "std", to=[0.0]),
    "classes are few": _set("classes", to=["a"]),
    "classes repeat": _set("classes", to=["a", "a", "b"]),
    "classes are numbers": _set("classes", to=[1, 2, 3]),
    "metrics are a list": _set("metrics", to=[1]),
    "metrics explode": _set("metrics", "x", to=_nested_references()),
    "provenance is a tensor": _set("provenance", "x", to=torch.ones(1)),
    "format is later": _set("format", to="edgeprune-checkpoint-2"),
    "format is a list": _set("format", to=["edgeprune"]),
    "field is missing": lambda content: content.pop("attributes") and None,
    "content is a tensor": lambda _content: torch.ones(3),
    "content is a list": lambda content: [content],
}  # fmt: skip


@pytest.mark.parametrize("name", _CRAFTED)
@pytest.mark.usefixtures("memory_limit")
def test_crafted_checkpoints(tmp_path: Path, good: bytes, name: str) -> None:
    path = tmp_path / "m.pt"
    _crafted(good, path, _CRAFTED[name])
    failure = _read(path)
    assert isinstance(failure, UserInputError), name


class _Trap:
    """Creates a file when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, (str(self.marker),))


def _trap_files(trap: _Trap, good: bytes, folder: Path) -> Iterator[Path]:
    content = torch.load(io.BytesIO(good), weights_only=True)
    for number, hidden in enumerate(
        (trap, {"state_dict": {"fc.weight": trap}}, {**content, "provenance": {"x": trap}})
    ):
        for protocol in (2, 4):
            path = folder / f"zip{number}-{protocol}.pt"
            torch.save(hidden, path, pickle_protocol=protocol)
            yield path
        torch.save(hidden, folder / f"old{number}.pt", _use_new_zipfile_serialization=False)
        yield folder / f"old{number}.pt"
        (folder / f"raw{number}.pt").write_bytes(pickle.dumps(hidden))
        yield folder / f"raw{number}.pt"


def _exported_trap(trap: _Trap, folder: Path) -> Path:
    """An exported program whose sample inputs, a pickle inside, are the trap."""
    sound, bad = folder / "sound.pt2", folder / "trap.pt2"
    torch.export.save(torch.export.export(nn.Linear(2, 2), (torch.ones(1, 2),)), sound)
    hidden = io.BytesIO()
    torch.save(trap, hidden)
    with zipfile.ZipFile(sound) as old, zipfile.ZipFile(bad, "w") as new:
        for entry in old.infolist():
            is_pickle = entry.filename.endswith("model.pt")
            new.writestr(entry.filename, hidden.getvalue() if is_pickle else old.read(entry))
    return bad


def test_nothing_in_a_file_runs(tmp_path: Path, good: bytes) -> None:
    marker = tmp_path / "ran"
    trap = _Trap(marker)
    for path in [*_trap_files(trap, good, tmp_path), _exported_trap(trap, tmp_path)]:
        failure = _read(path)
        assert isinstance(failure, UserInputError), path.name
        assert not marker.exists(), path.name
    torch.load(tmp_path / "zip0-2.pt", weights_only=False)
    assert marker.exists(), "the trap itself must work"


def test_code_is_named_and_the_option_too(tmp_path: Path) -> None:
    torch.save(_Trap(tmp_path / "ran"), tmp_path / "trap.pt")
    with pytest.raises(UserInputError, match=r"mkdir.*--trust-pickle"):
        load_teacher(tmp_path / "trap.pt", arch="wrn_10_1")


def test_trusted_code_that_fails_is_one_line(tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    marker.mkdir()
    torch.save(_Trap(marker), tmp_path / "trap.pt")
    with pytest.raises(UserInputError, match="cannot be run here"):
        load_teacher(tmp_path / "trap.pt", arch="wrn_10_1", trust_pickle=True)


@pytest.mark.parametrize("count", [10**15, 2**31, -1])
@pytest.mark.usefixtures("memory_limit")
def test_a_storage_larger_than_its_file_is_not_allocated(
    tmp_path: Path, good: bytes, count: int
) -> None:
    def enlarge(data: bytes) -> bytes:
        # conv1.weight has 144 values; K is pickle's one-byte number, \x8a its long one.
        claim = pickle.dumps(count, protocol=2)[2:-1]
        assert data.count(b"K\x90t") == 1
        return data.replace(b"K\x90t", claim + b"t")

    path = tmp_path / "m.pt"
    path.write_bytes(_with_pickle(good, enlarge))
    failure = _read(path)
    assert failure is None or isinstance(failure, CorruptFileError)
    if failure is None:
        assert load_checkpoint(path).state_dict["conv1.weight"].shape == (16, 1, 3, 3)


def test_a_compressed_archive_is_refused(tmp_path: Path, good: bytes) -> None:
    path = tmp_path / "bomb.pt"
    with (
        zipfile.ZipFile(io.BytesIO(good)) as old,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for entry in old.infolist():
            data = old.read(entry)
            new.writestr(
                entry.filename, data + bytes(10**7) if "data/0" in entry.filename else data
            )
    with pytest.raises(CorruptFileError, match="claims more than the file holds"):
        load_checkpoint(path)


@pytest.mark.usefixtures("memory_limit")
def test_pickles_that_ask_for_memory_are_refused(tmp_path: Path) -> None:
    class Hoard:
        def __reduce__(self) -> tuple[Any, ...]:
            return (bytearray, (10**13,))

    torch.save({"x": Hoard()}, tmp_path / "m.pt")
    with pytest.raises(UserInputError, match="bytearray"):
        load_checkpoint(tmp_path / "m.pt")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"GIF89a", b"\x80\x02}q\x00.", b"{}"])
def test_foreign_files_are_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "m.pt"
    path.write_bytes(content)
    assert isinstance(_read(path), CorruptFileError)
    with pytest.raises(UserInputError, match="not a file"):
        load_checkpoint(tmp_path)
