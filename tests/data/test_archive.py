"""Archives are read in place, and nothing in them is trusted."""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path

import pytest

from edgeprune.data import archive
from edgeprune.data.archive import open_archive
from edgeprune.errors import CorruptFileError, UserInputError


def _tar(path: Path, members: dict[str, bytes], mode: str = "w") -> Path:
    with tarfile.open(path, mode) as out:  # type: ignore[call-overload]
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            out.addfile(info, io.BytesIO(content))
    return path


_MEMBERS = {"train/a/0.png": b"zero", "./train/b//1.png": b"one" * 400, "train/b/.hidden": b"x"}


@pytest.mark.parametrize(("name", "mode"), [("x.tar", "w"), ("x.tar.gz", "w:gz")])
def test_members_are_read_by_number(tmp_path: Path, name: str, mode: str) -> None:
    store = open_archive(_tar(tmp_path / name, _MEMBERS, mode))
    assert store.names == ["train/a/0.png", "train/b/1.png"]
    assert [store.read(0), store.read(1)] == [b"zero", b"one" * 400]
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_long_names_are_read(tmp_path: Path) -> None:
    name = f"train/{'c' * 150}/{'n' * 150}.png"
    assert open_archive(_tar(tmp_path / "x.tar", {name: b"x"})).names == [name]


@pytest.mark.parametrize(
    "name", ["/etc/cron.d/x.png", "../x.png", "train/../../x.png", "train/a\nb/x.png"]
)
@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_names_that_lead_out_are_refused(tmp_path: Path, name: str, mode: str) -> None:
    with pytest.raises(CorruptFileError, match="unsafe member name") as caught:
        open_archive(_tar(tmp_path / "x.tar", {name: b"x"}, mode))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
def test_links_are_refused(tmp_path: Path, kind: bytes) -> None:
    with tarfile.open(tmp_path / "x.tar", "w") as out:
        info = tarfile.TarInfo("train/a/0.png")
        info.type, info.linkname = kind, "/etc/passwd"
        out.addfile(info)
    with pytest.raises(CorruptFileError, match="link"):
        open_archive(tmp_path / "x.tar")


@pytest.mark.parametrize("length", [0, 300, 512, 600, 1024, 1536, 2048])
def test_truncation_is_told(tmp_path: Path, length: int) -> None:
    path = _tar(tmp_path / "x.tar", {f"train/a/{i}.png": b"y" * 500 for i in range(9)})
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(CorruptFileError, match=r"x\.tar: not a whole"):
        open_archive(path)


def test_a_broken_header_in_the_middle_is_told(tmp_path: Path) -> None:
    path = _tar(tmp_path / "x.tar", {f"train/a/{i}.png": b"y" * 500 for i in range(9)})
    content = bytearray(path.read_bytes())
    content[4096 + 100] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(CorruptFileError, match="damaged at byte 4096"):
        open_archive(path)


@pytest.mark.parametrize("length", [1, 5, 20, 60, -12, -4])
def test_truncated_gzip_is_told(tmp_path: Path, length: int) -> None:
    path = _tar(tmp_path / "x.tar", {f"train/a/{i}.png": bytes([i]) * 500 for i in range(9)})
    path.write_bytes(gzip.compress(path.read_bytes())[:length])
    with pytest.raises(CorruptFileError, match="not a whole"):
        open_archive(path)


def test_a_damaged_gzip_is_told(tmp_path: Path) -> None:
    path = tmp_path / "x.tar.gz"
    _tar(tmp_path / "plain.tar", {"train/a/0.png": bytes(range(256)) * 40})
    content = bytearray(gzip.compress((tmp_path / "plain.tar").read_bytes()))
    content[-6] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(CorruptFileError, match="not a whole"):
        open_archive(path)


def test_a_foreign_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(b"PK\x03\x04" + bytes(2000))
    with pytest.raises(CorruptFileError, match=r"\.tar\.gz"):
        open_archive(tmp_path / "x.zip")


def test_a_compressed_archive_larger_than_memory_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _tar(tmp_path / "x.tar.gz", {"train/a/0.png": bytes(10**6)}, "w:gz")
    monkeypatch.setattr(archive, "available_bytes", lambda: 1_000_000)
    with pytest.raises(UserInputError, match="gunzip"):
        open_archive(path)
