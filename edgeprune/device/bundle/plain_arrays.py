"""A bundle's arrays without numpy, which some boards' Python has not: numbers in C order."""

from __future__ import annotations

import ast
import math
import struct
import sys
from array import array
from dataclasses import dataclass
from pathlib import Path
from typing import Sequence

from edgeprune.device.bundle.errors import BundleError
from edgeprune.device.bundle.manifest import BundleInput

_MAGIC = b"\x93NUMPY"
_KINDS = {"|u1": "B", "<f4": "f", "<i8": "q"}


@dataclass(frozen=True)
class PlainArray:
    """Numbers of a shape.

    Attributes:
        shape: samples on axis 0.
        values: in C order; bytes, 32-bit floats or 64-bit integers.
    """

    shape: tuple[int, ...]
    values: array[int] | array[float]

    def sample(self, number: int) -> Sequence[float]:
        """The values of one sample."""
        size = len(self.values) // self.shape[0]
        return self.values[number * size : (number + 1) * size]


def read_npy(path: Path) -> PlainArray:
    """An array that `numpy.save` wrote (NEP 1), of uint8, float32 or int64.

    Raises:
        BundleError: it is damaged, or of another kind.
    """
    content = path.read_bytes()
    try:
        if content[:6] != _MAGIC:
            raise ValueError("no magic")
        wide = content[6] > 1
        start = 12 if wide else 10
        (length,) = struct.unpack("<I" if wide else "<H", content[8:start])
        about = ast.literal_eval(content[start : start + length].decode("latin-1"))
        values: array[float] = array(_KINDS[about["descr"]])
        values.frombytes(content[start + length :])
        shape = tuple(map(int, about["shape"]))
        if about["fortran_order"] or math.prod(shape) != len(values) or not shape:
            raise ValueError("shape")
    except (ValueError, KeyError, TypeError, SyntaxError, IndexError, struct.error) as failure:
        raise BundleError(f"{path}: is no array; deploy the run again") from failure
    if sys.byteorder == "big" and values.itemsize > 1:
        values.byteswap()
    return PlainArray(shape, values)


def prepare_plain(sample: Sequence[float], given: BundleInput) -> array[float] | array[int]:
    """One sample as the models take it; see `preprocess.prepare` for the formula."""
    if given.dtype == "int64":
        return array("q", map(int, sample))
    if given.mean is None or given.std is None:
        return array("f", sample)
    size = len(sample) // len(given.mean)
    ready: array[float] = array("f")
    for channel, (mean, std) in enumerate(zip(given.mean, given.std)):
        scale, shift = 1 / (255 * std), -mean / std
        pixels = sample[channel * size : (channel + 1) * size]
        ready.extend(pixel * scale + shift for pixel in pixels)
    return ready
