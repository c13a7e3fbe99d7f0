"""What a model file is, told from its content and never from its name."""

from __future__ import annotations

import enum
import os
import zipfile
from pathlib import Path, PurePosixPath
from typing import Final

from edgeprune.errors import CorruptFileError, UserInputError
from edgeprune.wording import shown

# The first pickle of a file written by torch.save before version 1.6.
_LEGACY_MAGIC: Final = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
_ZIP_MAGIC: Final = b"PK\x03\x04"


class FileKind(enum.Enum):
    """How the content of a model file is stored."""

    ZIP = "torch.save archive"
    LEGACY = "torch.save file of torch < 1.6"
    EXPORTED_PROGRAM = "exported program"
    TORCHSCRIPT = "TorchScript archive"


def identify(path: str | os.PathLike[str]) -> FileKind:
    """Tell what kind of model file `path` is, and check that its archive is whole.

    Raises:
        UserInputError: there is no such file.
        CorruptFileError: it is empty, cut off, damaged, or no model file at all.
    """
    file = Path(path)
    if not file.exists():
        raise UserInputError(f"{file}: no such file")
    if not file.is_file():
        raise UserInputError(f"{file}: not a file; give the model file itself")
    with file.open("rb") as stream:
        head = stream.read(len(_LEGACY_MAGIC))
    if head == _LEGACY_MAGIC:
        return FileKind.LEGACY
    if head.startswith(_ZIP_MAGIC):
        return _identify_archive(file)
    what = "not a file that torch.save or torch.export.save wrote" if head else "the file is empty"
    raise CorruptFileError(f"{file}: {what}; give a checkpoint or a state_dict")


def _identify_archive(file: Path) -> FileKind:
    try:
        with zipfile.ZipFile(file) as archive:
            kind = _kind_of([PurePosixPath(name) for name in archive.namelist()])
            fault = _fault(archive, file.stat().st_size) if kind is FileKind.ZIP else ""
    except (zipfile.BadZipFile, OSError, ValueError, RuntimeError) as error:
        raise CorruptFileError(f"{file}: cut off or damaged archive ({error})") from error
    if kind is None:
        raise CorruptFileError(f"{file}: an archive that holds no model; give a checkpoint")
    if fault:
        raise CorruptFileError(f"{file}: {fault}; fetch or write the file again")
    return kind


def _kind_of(names: list[PurePosixPath]) -> FileKind | None:
    inner = {str(PurePosixPath(*name.parts[1:])) for name in names}
    if inner & {"archive_format", "models/model.json"}:
        return FileKind.EXPORTED_PROGRAM
    if any(name.name == "serialized_exported_program.json" for name in names):
        return FileKind.EXPORTED_PROGRAM
    if "constants.pkl" in inner:
        return FileKind.TORCHSCRIPT
    return FileKind.ZIP if "data.pkl" in inner else None


def _fault(archive: zipfile.ZipFile, file_size: int) -> str:
    entries = archive.infolist()
    if len({entry.filename for entry in entries}) != len(entries):
        return "the archive lists a record twice"
    # torch.save never compresses, so an archive that would grow was made by somebody else.
    compressed = any(entry.compress_type != zipfile.ZIP_STORED for entry in entries)
    if compressed or sum(entry.file_size for entry in entries) > file_size:
        return "the archive claims more than the file holds"
    record = archive.testzip()
    return "" if record is None else f"record {shown(record)} is damaged (wrong checksum)"
