"""Attributes of a node, without onnx (schema: onnx.proto)."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from edgeprune.device.onnx.protobuf import DamagedMessageError, fields, submessages, text

_NODE_ATTRIBUTE = 5
_NAME, _FLOAT, _INT, _TEXT, _TENSOR, _INTS = 1, 2, 3, 4, 5, 8
_DIMS, _DATA_TYPE, _RAW = 1, 2, 9
_DTYPES = {1: "<f4", 5: "<i2", 6: "<i4", 7: "<i8", 10: "<f2", 11: "<f8"}


def attributes_of(node: memoryview) -> dict[str, Any]:
    """Numbers, texts, lists of integers and tensors by name; other kinds are left out.

    Raises:
        DamagedMessageError: an attribute makes no sense, or a tensor is not stored as raw bytes.
    """
    found: dict[str, Any] = {}
    for attribute in submessages(node, _NODE_ATTRIBUTE):
        value = _value(attribute)
        if value is not None:
            found[text(attribute, _NAME)] = value
    return found


def _value(attribute: memoryview) -> Any:
    integers: list[int] = []
    for number, value in fields(attribute):
        if number == _TENSOR and isinstance(value, memoryview):
            return _array(value)
        if number == _TEXT and isinstance(value, memoryview):
            return str(value, "utf-8", "replace")
        if number == _FLOAT and isinstance(value, memoryview) and len(value) == 4:
            return struct.unpack("<f", value)[0]
        if number == _INT and isinstance(value, int):
            return _signed(value)
        if number == _INTS:
            integers += [_signed(part) for part in _integers(value)]
    return integers or None


def _array(tensor: memoryview) -> np.ndarray:
    dims: list[int] = []
    kind, raw = 0, memoryview(b"")
    for number, value in fields(tensor):
        if number == _DIMS:
            dims += _integers(value)
        elif number == _DATA_TYPE and isinstance(value, int):
            kind = value
        elif number == _RAW and isinstance(value, memoryview):
            raw = value
    if kind not in _DTYPES:
        raise DamagedMessageError(f"an attribute is a tensor of type {kind}")
    try:
        # A copy: the bytes in the file need not be aligned, and the file may go away.
        array: np.ndarray = np.frombuffer(raw, dtype=_DTYPES[kind]).reshape(dims).copy()
    except ValueError as failure:
        raise DamagedMessageError(f"an attribute's tensor is not whole: {failure}") from failure
    return array


def _integers(value: int | memoryview) -> list[int]:
    """A repeated number, which is written one by one or all in one field."""
    if isinstance(value, int):
        return [value]
    found, current, shift = [], 0, 0
    for byte in value:
        current |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            found.append(current)
            current, shift = 0, 0
    return found


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value
