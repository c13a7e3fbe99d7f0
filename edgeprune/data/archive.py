"""Index a tar of images without unpacking it: nothing is written, no name is trusted."""

from __future__ import annotations

import gzip
import tarfile
import zlib
from pathlib import Path

from edgeprune.data.memory import available_bytes
from edgeprune.data.stores import MemoryStore, Store, TarStore
from edgeprune.errors import CorruptFileError, UserInputError

_GZIP_MAGIC = b"\x1f\x8b"
_DRAIN_BYTES = 1 << 20


class _StrictInfo(tarfile.TarInfo):
    """A header that must be whole: tarfile itself takes a broken one for the archive's end."""

    @classmethod
    def fromtarfile(cls, archive: tarfile.TarFile) -> tarfile.TarInfo:  # type: ignore[override]
        try:
            return super().fromtarfile(archive)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]
            raise
        except tarfile.HeaderError as error:
            raise tarfile.ReadError(f"damaged at byte {archive.offset}") from error


def open_archive(path: Path) -> Store:
    """List the files of a .tar, or read those of a .tar.gz, which has no random access.

    Raises:
        CorruptFileError: for a truncated or foreign file, or a member that is a link or whose
            name leads out of the archive.
        UserInputError: when a compressed archive does not fit in memory.
    """
    try:
        with path.open("rb") as stream:
            compressed = stream.read(2) == _GZIP_MAGIC
        return _read_compressed(path) if compressed else _index(path)
    except (tarfile.TarError, EOFError, zlib.error, OSError, ValueError) as error:
        raise CorruptFileError(
            f"{path}: not a whole .tar or .tar.gz ({error}); make it again"
        ) from error


def _index(path: Path) -> Store:
    names: list[str] = []
    spans: list[tuple[int, int]] = []
    with tarfile.open(path, "r:", tarinfo=_StrictInfo) as archive:
        for member in archive:
            if _wanted(path, member):
                names.append(_clean(path, member.name))
                spans.append((member.offset_data, member.size))
    return TarStore(path, names, spans)


def _read_compressed(path: Path) -> Store:
    names: list[str] = []
    contents: list[bytes] = []
    room = available_bytes() // 2
    # Opened apart, and read to its end, because tarfile's own reader checks no checksum.
    with gzip.open(path) as whole:
        with tarfile.open(fileobj=whole, mode="r|", tarinfo=_StrictInfo) as archive:
            for member in archive:
                if not _wanted(path, member):
                    continue
                room -= member.size
                if room < 0:
                    raise UserInputError(f"{path}: too large for memory; gunzip it, give the .tar")
                stream = archive.extractfile(member)
                contents.append(stream.read() if stream is not None else b"")
                names.append(_clean(path, member.name))
        while whole.read(_DRAIN_BYTES):
            pass
    return MemoryStore(str(path), names, contents)


def _wanted(path: Path, member: tarfile.TarInfo) -> bool:
    if member.issym() or member.islnk():
        raise CorruptFileError(
            f"{path}: {member.name!r} is a link; archive the files themselves (tar --dereference "
            "--hard-dereference)"
        )
    return member.isreg() and not member.name.rpartition("/")[2].startswith(".")


def _clean(path: Path, name: str) -> str:
    parts = name.split("/")
    if name.startswith("/") or ".." in parts or not name.isprintable():
        raise CorruptFileError(f"{path}: unsafe member name {name!r}; make the archive again")
    return "/".join(part for part in parts if part not in ("", "."))
