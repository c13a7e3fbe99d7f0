"""TensorRT's structures, as ctypes has them."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

FLOAT, HALF, INT8 = 0, 1, 2  # nvinfer1::DataType
LINEAR, CHW2, HWC8 = 0, 1, 2  # nvinfer1::TensorFormat
_CHAR = 6
# nvinfer1::PluginFieldType
_FIELD_TYPES = {"float16": 0, "float32": 1, "float64": 2, "int8": 3, "int16": 4, "int32": 5,
                "int64": 10}  # fmt: skip
_NOT_FIELDS = ("plugin_version", "plugin_namespace")


class PluginField(ctypes.Structure):
    """`nvinfer1::PluginField`."""

    _fields_ = [
        ("name", ctypes.c_char_p),
        ("data", ctypes.c_void_p),
        ("type", ctypes.c_int32),
        ("length", ctypes.c_int32),
    ]


class Description(ctypes.Structure):
    """`nvinfer1::PluginTensorDesc` of TensorRT 10."""

    _fields_ = [
        ("rank", ctypes.c_int32),
        ("sizes", ctypes.c_int64 * 8),
        ("type", ctypes.c_int32),
        ("format", ctypes.c_int32),
        ("scale", ctypes.c_float),
    ]


class Counts(ctypes.Structure):
    """`DeviceCounts` of cuda/harness/plugin/device.h."""

    _fields_ = [(name, ctypes.c_int) for name in ("live", "allocations", "uploads")]


def descriptions(
    shapes: Sequence[Sequence[int]], type_: int = FLOAT, format_: int = LINEAR
) -> ctypes.Array[Description]:
    """Of inputs and output, all of one type and format."""
    return (Description * len(shapes))(
        *(Description(len(s), (ctypes.c_int64 * 8)(*s), type_, format_, 0.0) for s in shapes)
    )


class FieldArray:
    """The attributes of a node as the fields that TensorRT's ONNX parser makes of them.

    Integers become INT32, a text becomes its characters without a closing zero, a tensor keeps its
    type; version and namespace are the parser's own.
    """

    def __init__(self, attributes: Mapping[str, Any]) -> None:
        named = {k: self._data(v) for k, v in attributes.items() if k not in _NOT_FIELDS}
        self._alive = list(named.values())
        self.fields = (PluginField * len(named))(
            *(self._field(name, *data) for name, data in named.items())
        )

    @staticmethod
    def _data(value: Any) -> tuple[NDArray[Any], int]:
        if isinstance(value, str):
            return np.frombuffer(value.encode() or b"\0", dtype=np.uint8).copy(), _CHAR
        if isinstance(value, float):
            value = np.array([value], dtype=np.float32)
        array = np.atleast_1d(np.asarray(value))
        if not isinstance(value, np.ndarray):
            array = array.astype(np.int32)
        array = np.ascontiguousarray(array)
        return array, _FIELD_TYPES[array.dtype.name]

    @staticmethod
    def _field(name: str, data: NDArray[Any], type_: int) -> PluginField:
        return PluginField(name.encode(), data.ctypes.data, type_, data.size)
