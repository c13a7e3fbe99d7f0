"""Pickles: the official form is read; nothing in a hostile one is called."""

from __future__ import annotations

import os
import pickle
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgeprune.data.unpickle import load_plain_pickle
from edgeprune.errors import CorruptFileError


def _python2_string(value: bytes) -> bytes:
    return b"T" + struct.pack("<I", len(value)) + value


def python2_pickle(labels: list[int], data: np.ndarray) -> bytes:
    """Write {"labels": labels, "data": data} as CIFAR's authors did: Python 2, protocol 2."""
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85"
        + _python2_string(b"b")
        + b"\x87R(K\x01"
        + b"".join(b"J" + struct.pack("<i", n) for n in data.shape)
        + b"\x86cnumpy\ndtype\n"
        + _python2_string(b"u1")
        + b"K\x00K\x01\x87R(K\x03"
        + _python2_string(b"|")
        + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89"
        + _python2_string(data.tobytes())
        + b"tb"
    )
    numbers = b"](" + b"".join(b"J" + struct.pack("<i", n) for n in labels) + b"e"
    pairs = _python2_string(b"labels") + numbers + _python2_string(b"data") + array
    return b"\x80\x02}(" + pairs + b"u."


def _load(tmp_path: Path, content: bytes) -> dict[object, object]:
    path = tmp_path / "batch"
    path.write_bytes(content)
    return load_plain_pickle(path)


def test_the_hand_made_form_is_what_numpy_reads_too() -> None:
    data = np.arange(12, dtype=np.uint8).reshape(3, 4)
    content = pickle.loads(python2_pickle([1, 2, 3], data), encoding="bytes")  # noqa: S301
    assert content[b"labels"] == [1, 2, 3]
    assert np.array_equal(content[b"data"], data)


def test_python2_files_are_read(tmp_path: Path) -> None:
    data = np.arange(12, dtype=np.uint8).reshape(3, 4)
    content = _load(tmp_path, python2_pickle([1, 2, 3], data))
    assert content[b"labels"] == [1, 2, 3]
    assert isinstance(content[b"data"], np.ndarray)
    assert np.array_equal(content[b"data"], data)


@pytest.mark.parametrize("protocol", [3, 4])
@pytest.mark.parametrize("dtype", ["u1", "<i8", ">i4", "<f4"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_python3_files_are_read(tmp_path: Path, protocol: int, dtype: str, order: str) -> None:
    data = np.asarray(np.arange(12).reshape(3, 4), dtype=dtype, order=order)  # type: ignore[call-overload]
    made = {"data": data, "names": ["a", b"b"], "more": (1, 2.5, None, True)}
    content = _load(tmp_path, pickle.dumps(made, protocol))
    assert np.array_equal(content.pop("data"), data)
    assert content == {"names": ["a", b"b"], "more": (1, 2.5, None, True)}


class _Runs:
    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (self.command,)


_DTYPE = b"cnumpy\ndtype\n"
_ARRAY = b"cnumpy.core.multiarray\n_reconstruct\n"
_HOSTILE = {
    "builtins.eval": b"cbuiltins\neval\nVopen('pwned','w')\n\x85R.",
    "python 2 builtins": b"c__builtin__\neval\nVopen('pwned','w')\n\x85R.",
    "os.system by INST": b"(Vtouch pwned\nios\nsystem\n.",
    "numpy load": b"cnumpy\nload\nVx\n\x85R.",
    "attribute of an allowed module": b"cnumpy\nsave\nVpwned.npy\nK\x01\x86R.",
    "dotted name": b"\x80\x04\x8c\x05numpy\x8c\x0dndarray.tofile\x93.",
    "copyreg": b"ccopy_reg\n_reconstructor\nc__builtin__\nobject\nc__builtin__\nobject\nN\x87R.",
    "object array": _DTYPE + b"VO\nK\x00K\x01\x87R.",
    "void array": _DTYPE + b"VV8\nK\x00K\x01\x87R.",
    "stand-in altered": _DTYPE + b"}V__call__\nK\x01sb.",
    "stand-in altered by slots": _ARRAY + b"N}V__call__\nK\x01s\x86b.",
    "stand-in subclassed": _DTYPE + b")\x81.",
    "array type called": b"cnumpy\nndarray\n)R.",
    "persistent id": b"Pid\n.",
    "extension code": b"\x80\x02\x82\x01.",
    "huge memo index": b"\x80\x02}r\xff\xff\xff\x7f.",
    "huge string": b"\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\x7fx.",
    "huge byte array": b"\x80\x05\x96\xff\xff\xff\xff\xff\x00\x00\x00x.",
    "large memo index": b"\x80\x02}r\x00\x00\x00\x20.",
    "negative string": b"T\xff\xff\xff\xffx.",
    "array without state": b"}Vdata\n" + _ARRAY + b")Rs.",
    "list on top": b"].",
    "array on top": _ARRAY + b")R.",
    "empty": b"",
    "text": b"<html>404</html>",
}


@pytest.mark.parametrize("content", _HOSTILE.values(), ids=_HOSTILE.keys())
def test_hostile_pickles_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CorruptFileError, match="batch") as caught:
        _load(tmp_path, content)
    assert "\n" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["batch"]


@pytest.mark.parametrize("protocol", range(6))
def test_reduce_runs_nothing(tmp_path: Path, protocol: int) -> None:
    content = pickle.dumps({"data": _Runs(f"touch {tmp_path}/pwned")}, protocol)
    with pytest.raises(CorruptFileError, match=r"asks for \w+\.system"):
        _load(tmp_path, content)
    assert not (tmp_path / "pwned").exists()


def test_an_array_longer_than_its_bytes_is_refused(tmp_path: Path) -> None:
    content = python2_pickle([0], np.zeros((2, 3), np.uint8))
    larger = content.replace(struct.pack("<i", 3), struct.pack("<i", 1 << 30), 1)
    with pytest.raises(CorruptFileError, match="contradicts"):
        _load(tmp_path, larger)
    negative = content.replace(struct.pack("<i", 3), struct.pack("<i", -3), 1)
    negative = negative.replace(struct.pack("<i", 2), struct.pack("<i", -2), 1)
    with pytest.raises(CorruptFileError, match="contradicts"):
        _load(tmp_path, negative)


_WHOLE = python2_pickle([1, 2, 3], np.arange(12, dtype=np.uint8).reshape(3, 4))


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.integers(0, len(_WHOLE) - 1), st.integers(0, 255), st.booleans())
def test_a_changed_or_cut_file_is_read_or_refused(
    tmp_path: Path, at: int, value: int, cut: bool
) -> None:
    content = _WHOLE[:at] if cut else _WHOLE[:at] + bytes([value]) + _WHOLE[at + 1 :]
    outcome = _outcome(tmp_path, content)
    assert isinstance(outcome, str) or not cut
    assert "\n" not in outcome
    assert not any(map(callable, outcome.values() if isinstance(outcome, dict) else ()))


def _outcome(tmp_path: Path, content: bytes) -> dict[object, object] | str:
    try:
        return _load(tmp_path, content)
    except CorruptFileError as error:
        return str(error)


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(CorruptFileError, match="No such file"):
        load_plain_pickle(tmp_path / "absent")
