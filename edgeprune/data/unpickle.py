"""Read pickles of plain data; nothing in them is ever called but the stand-ins of this file.

NumPy's own reconstruction is no part of it: `numpy.dtype` accepts a crafted state that turns bytes
into object pointers. Arrays are rebuilt from their bytes instead, integers and floats only.
"""

from __future__ import annotations

import io
import math
import pickle
import pickletools
import struct
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from edgeprune.errors import CorruptFileError

_CODES = ("u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8")
_MEMO_WRITES = ("PUT", "BINPUT", "LONG_BINPUT")
# What the unpickler and the stand-ins raise on foreign or damaged content.
_UNREADABLE = (
    pickle.UnpicklingError,
    EOFError,
    AttributeError,
    ImportError,
    IndexError,
    KeyError,
    MemoryError,
    NotImplementedError,
    OverflowError,
    RecursionError,
    TypeError,
    ValueError,
    struct.error,
)


def load_plain_pickle(path: Path) -> dict[Any, Any]:
    """Load a dict of None, numbers, strings, bytes, lists, tuples, dicts and numeric arrays.

    Strings of Python 2 come as bytes. Arrays are those that are values of the dict itself.

    Raises:
        CorruptFileError: for a damaged pickle or one that asks for anything else.
    """
    try:
        encoded = path.read_bytes()
        _check_sizes(encoded)
        content = _PlainUnpickler(io.BytesIO(encoded), encoding="bytes").load()
        return {key: _unwrapped(value) for key, value in content.items()}
    except OSError as error:
        raise CorruptFileError(f"{path}: cannot be read ({error.strerror})") from error
    except _UNREADABLE as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise CorruptFileError(
            f"{path}: not a pickled dict of plain arrays and lists ({reason}); get the file again"
        ) from error


def _check_sizes(encoded: bytes) -> None:
    """Refuse announced lengths and memo slots beyond the file: Python would allocate them."""
    for opcode, argument, _ in pickletools.genops(encoded):
        if opcode.name in _MEMO_WRITES and (argument or 0) > len(encoded):
            raise pickle.UnpicklingError(f"memo slot {argument}")


def _unwrapped(value: object) -> object:
    return value.values if isinstance(value, _Array) else value


class _Immutable:
    """Refuses the state with which a pickle could alter a stand-in."""

    __slots__ = ()

    def __setstate__(self, state: object) -> NoReturn:
        raise pickle.UnpicklingError("alters what it may only call")


class _DtypeFactory(_Immutable):
    """Stands for `numpy.dtype`."""

    __slots__ = ()

    def __call__(self, code: object, *_: object) -> _Dtype:
        name = code.decode("ascii") if isinstance(code, bytes) else code
        if name not in _CODES:
            raise pickle.UnpicklingError(f"array of type {name!r}")
        return _Dtype(name)


class _Dtype:
    __slots__ = ("code",)

    def __init__(self, code: str) -> None:
        self.code = code

    def __setstate__(self, state: tuple[object, ...]) -> None:
        order = state[1]
        self.code = (">" if order in (">", b">") else "<") + self.code[-2:]


class _ArrayFactory(_Immutable):
    """Stands for `numpy.core.multiarray._reconstruct`."""

    __slots__ = ()

    def __call__(self, *_: object) -> _Array:
        return _Array()


class _ArrayType(_Immutable):
    """Stands for `numpy.ndarray`, the first argument of `_reconstruct`."""

    __slots__ = ()


class _Array:
    __slots__ = ("values",)

    values: npt.NDArray[Any]

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, dtype, fortran, data = state
        if not (isinstance(dtype, _Dtype) and isinstance(data, bytes)):
            raise pickle.UnpicklingError("array without plain contents")
        flat = np.frombuffer(data, np.dtype(dtype.code))
        if math.prod(shape) != flat.size or any(length < 0 for length in shape):
            raise pickle.UnpicklingError("array whose size contradicts its contents")
        self.values = flat.reshape(shape, order="F" if fortran else "C")


_STAND_INS = {
    ("numpy", "dtype"): _DtypeFactory(),
    ("numpy", "ndarray"): _ArrayType(),
    ("numpy.core.multiarray", "_reconstruct"): _ArrayFactory(),
    ("numpy._core.multiarray", "_reconstruct"): _ArrayFactory(),
}


class _PlainUnpickler(pickle.Unpickler):  # noqa: S301 - it calls nothing from a file
    def find_class(self, module: str, name: str) -> Any:
        stand_in = _STAND_INS.get((module, name))
        if stand_in is None:
            raise pickle.UnpicklingError(f"asks for {module}.{name}")
        return stand_in
