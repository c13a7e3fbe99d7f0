"""IDX files, the format of MNIST and its relatives, plain or gzipped."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from edgeprune.errors import CorruptFileError

_UINT8 = 8


def read_idx(path: Path, dimensions: int) -> Tensor:
    """Read an IDX file of unsigned bytes: 2 zero bytes, type, number of axes, sizes, data.

    Args:
        path: the file; gzip is recognised by content.
        dimensions: number of axes that the file must have.

    Raises:
        CorruptFileError: one line for a truncated or foreign file.
    """
    try:
        content = path.read_bytes()
        if content[:2] == b"\x1f\x8b":
            content = gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise CorruptFileError(f"{path}: cannot be read ({error}); get it again") from error
    header = 4 + 4 * dimensions
    if len(content) < header or content[:4] != bytes((0, 0, _UINT8, dimensions)):
        raise CorruptFileError(f"{path}: not an IDX file of bytes with {dimensions} axes")
    shape = struct.unpack(f">{dimensions}I", content[4:header])
    if len(content) - header != math.prod(shape):
        raise CorruptFileError(
            f"{path}: {len(content) - header} bytes where {'x'.join(map(str, shape))} are "
            "announced; get it again"
        )
    return torch.from_numpy(np.frombuffer(content, np.uint8, offset=header).reshape(shape).copy())
