"""Cases for the compiled kernel, for builds that Python cannot load."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, seed, settings
from sparse_convs import by_torch, sparse_convs

from edgeprune.device.sparse.cpu.kernel import described
from edgeprune.device.sparse.node import SparseConv2d

CASES = 150


@pytest.fixture(scope="session")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that sparse_cases.cpp reads."""
    written: list[bytes] = []

    @seed(0)
    @settings(max_examples=CASES, database=None, deadline=None, suppress_health_check=HealthCheck)
    @given(sparse_convs())
    def collect(case: tuple[SparseConv2d, Any, Any]) -> None:
        written.append(_written(*case))

    collect()
    path = tmp_path_factory.mktemp("cases") / "cases.bin"
    path.write_bytes(b"".join(written[:CASES]))
    return path


def _written(conv: SparseConv2d, inputs: Any, residual: Any) -> bytes:
    weight = conv.weight
    arrays = (
        *(weight.seg, weight.off, weight.perm, weight.val, conv.bias, inputs, residual),
        by_torch(conv, inputs, residual).astype(np.float32),
    )
    parts = [bytes(described(conv, inputs.shape))]
    for array in arrays:
        content = b"" if array is None else np.ascontiguousarray(array).tobytes()
        parts.append(struct.pack("<q", len(content)) + content)
    return b"".join(parts)
