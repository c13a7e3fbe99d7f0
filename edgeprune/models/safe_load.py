"""Reading model files: tensors and plain values only, unless the user trusts the file's author."""

from __future__ import annotations

import mmap
import os
import warnings
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, Final
from zipfile import ZipFile

import torch
from torch import Tensor

from edgeprune.errors import CorruptFileError, UserInputError
from edgeprune.models.file_kind import FileKind
from edgeprune.models.pickle_scan import named_code
from edgeprune.wording import brief, shown

_LARGEST_PICKLE: Final = 64 * 2**20
# magic number, protocol, system, content, storage keys
_LEGACY_PICKLES: Final = 5
# Tied weights are views of one storage, so tensors may add up to more than the file, but not much.
_SHARING: Final = 8


def load_plain(path: str | os.PathLike[str], kind: FileKind) -> Any:
    """Return the content of a `torch.save` file without running anything it names.

    Storages are mapped from the file, not allocated by the sizes it claims.

    Args:
        path: an existing file.
        kind: `FileKind.ZIP` or `FileKind.LEGACY`.

    Raises:
        UserInputError: the file names code.
        CorruptFileError: it cannot be read.
    """
    code = code_named_by(path, kind)
    if code:
        raise UserInputError(
            f"{path}: holds code ({_shortened(code)}), which would run when loaded; "
            "save the state_dict instead, or pass --trust-pickle if you trust its author"
        )
    try:
        with warnings.catch_warnings():
            # Damaged files make torch warn about its own internals before it gives up.
            warnings.simplefilter("ignore")
            return torch.load(
                str(path), map_location="cpu", weights_only=True, mmap=kind is FileKind.ZIP
            )
    except Exception as error:
        raise CorruptFileError(f"{path}: cannot be read: {brief(error)}") from error


def load_trusted(path: str | os.PathLike[str]) -> Any:
    """Return the content of a `torch.save` file; the code it names runs.

    Raises:
        UserInputError: the code it names is not there, or fails.
    """
    try:
        return torch.load(str(path), map_location="cpu", weights_only=False)
    except Exception as error:
        raise UserInputError(
            f"{path}: its pickled code cannot be run here: {brief(error)}; "
            "install or import what it was saved with, or save its state_dict"
        ) from error


def code_named_by(path: str | os.PathLike[str], kind: FileKind) -> list[str]:
    """Return the classes and functions that loading `path` with pickle would import.

    Raises:
        CorruptFileError: the file holds no readable pickle.
    """
    try:
        if kind is FileKind.LEGACY:
            with (
                Path(path).open("rb") as stream,
                mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as mapped,
            ):
                return named_code(mapped, _LEGACY_PICKLES)
        with ZipFile(path) as archive:
            name = next(n for n in archive.namelist() if n.split("/")[1:] == ["data.pkl"])
            if archive.getinfo(name).file_size > _LARGEST_PICKLE:
                raise ValueError("its index is too large")
            return named_code(BytesIO(archive.read(name)))
    except (ValueError, OSError, RuntimeError, OverflowError, UnicodeError) as error:
        raise CorruptFileError(f"{path}: its index cannot be read: {brief(error)}") from error


def owned_tensors(path: str | os.PathLike[str], values: Mapping[Any, Any]) -> dict[str, Tensor]:
    """Copy a state_dict out of its file, keeping tensors that share their memory shared.

    Raises:
        CorruptFileError: a key is no string, a value is no plain CPU tensor, or the tensors are
            larger than the file can hold (expanded views).
    """
    for key, value in values.items():
        fault = _tensor_fault(value) if isinstance(key, str) else "the key is not a string"
        if fault:
            raise CorruptFileError(f"{path}: state_dict entry {shown(key)}: {fault}")
    size = sum(value.numel() * value.element_size() for value in values.values())
    if size > _SHARING * Path(path).stat().st_size:
        raise CorruptFileError(f"{path}: its tensors claim {size:,} bytes, more than it holds")
    copies: dict[object, Tensor] = {}
    owned = {}
    for key, value in values.items():
        memory = (value.data_ptr(), value.shape, value.stride(), value.dtype)
        owned[key] = copies.setdefault(memory, value.detach().clone())
    return owned


def _tensor_fault(value: object) -> str:
    if not isinstance(value, Tensor):
        return f"a {type(value).__name__} where a tensor belongs"
    if value.layout is not torch.strided or value.is_quantized or value.device.type != "cpu":
        return "not a dense CPU tensor"
    return "a complex tensor" if value.is_complex() else ""


def _shortened(names: list[str]) -> str:
    listed = ", ".join(shown(name) for name in names[:3])
    return listed if len(names) <= 3 else f"{listed}, and {len(names) - 3} more"
