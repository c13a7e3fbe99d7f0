"""A kernel of each kind as NVRTC makes it for every board, kept by what it is made of."""

from __future__ import annotations

import fcntl
from pathlib import Path

from sparse_harness.build import CUDA, cache_folder, digest
from sparse_harness.nvrtc import TENSOR_SM, cubin, packages

CAPABILITIES = (53, 62, 72, 87, 110)
# Every V, every type and layout.
_CUDA_CORES = (
    "EDGEPRUNE_DEFINE_KERNEL(1, 4, 8, 1, f16_hwc8)",
    "EDGEPRUNE_DEFINE_KERNEL(2, 2, 8, 1, f32_linear)",
    "EDGEPRUNE_DEFINE_KERNEL(4, 1, 8, 1, f16_linear)",
    "EDGEPRUNE_DEFINE_KERNEL(8, 1, 4, 1, f32_linear)",
)
_TENSOR_CORES = ("EDGEPRUNE_DEFINE_VMMA(4, f16_linear)",)


def image(sm: int) -> Path:
    """The cubin of these kernels for one of `CAPABILITIES`.

    Raises:
        BuildError: NVRTC refused.
    """
    lines = "\n".join([*_CUDA_CORES, *(_TENSOR_CORES if sm >= TENSOR_SM else ())])
    folder = cache_folder() / f"kernels_sm{sm}-{digest(CUDA, [lines, *packages(sm)])}"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "kernels.cubin"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            partial = path.with_suffix(".partial")
            partial.write_bytes(cubin(sm, lines))
            partial.rename(path)
    return path
