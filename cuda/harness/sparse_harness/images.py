"""Kernels as NVRTC makes them for every board, kept by what they are made of."""

from __future__ import annotations

import fcntl
import re
from collections.abc import Sequence
from pathlib import Path

from sparse_harness.build import CUDA, cache_folder, digest
from sparse_harness.nvrtc import TENSOR_SM, cubin, packages

CAPABILITIES = (53, 62, 72, 87, 110)
# Every V, every type and layout.
_CUDA_CORES = (
    "edgeprune_direct_f16_hwc8_v1_g4_p8_s1",
    "edgeprune_direct_f32_linear_v2_g2_p8_s1",
    "edgeprune_direct_f16_linear_v4_g1_p8_s1",
    "edgeprune_direct_f32_linear_v8_g1_p4_s1",
)
_TENSOR_CORES = ("edgeprune_vmma_f16_linear_v32_p4",)
_DIRECT = re.compile(r"edgeprune_direct_(f\d+_[a-z0-9]+)_v(\d+)_g(\d+)_p(\d+)_s(\d+)")
_VMMA = re.compile(r"edgeprune_vmma_(f\d+_[a-z0-9]+)_v32_p(\d+)")


def representatives(sm: int) -> tuple[str, ...]:
    """A kernel of each V that a capability runs."""
    return (*_CUDA_CORES, *(_TENSOR_CORES if sm >= TENSOR_SM else ()))


def image(sm: int, kernels: Sequence[str] = ()) -> Path:
    """The cubin of kernels for one of `CAPABILITIES`.

    Args:
        kernels: their names; without any, `representatives`.

    Raises:
        BuildError: NVRTC refused.
    """
    lines = "\n".join(map(_definition, kernels or representatives(sm)))
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


def _definition(kernel: str) -> str:
    if tensor := _VMMA.fullmatch(kernel):
        kind, rows = tensor.groups()
        return f"EDGEPRUNE_DEFINE_VMMA({rows}, {kind})"
    direct = _DIRECT.fullmatch(kernel)
    if direct is None:
        raise ValueError(f"{kernel} is no kernel's name")
    kind, *shape = direct.groups()
    return f"EDGEPRUNE_DEFINE_KERNEL({', '.join(shape)}, {kind})"
