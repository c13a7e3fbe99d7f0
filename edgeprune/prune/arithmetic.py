"""In which precision two networks are compared, and how to get exactly that."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import nn

_COPIES = 2
_SHARE_OF_MEMORY = 0.5
TOLERANCE = {torch.float64: 1e-9, torch.float32: 1e-5}  # relative


def proof_dtypes(model: nn.Module, device: torch.device) -> tuple[torch.dtype, ...]:
    """Precisions to try, best first: float64 only where two copies fit in half the free memory."""
    elements = sum(parameter.numel() for parameter in model.parameters())
    needed = _COPIES * elements * torch.float64.itemsize
    if needed <= _SHARE_OF_MEMORY * free_bytes(device):
        return torch.float64, torch.float32
    return (torch.float32,)


def free_bytes(device: torch.device) -> int:
    """Memory that can still be had on a device."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return min(_host_free_bytes(), _control_group_free_bytes())


@contextmanager
def exact_arithmetic(device: torch.device) -> Iterator[None]:
    """No autocast, no TF32, deterministic kernels, and random numbers that leave no trace."""
    precision = torch.get_float32_matmul_precision()
    devices = [device] if device.type == "cuda" else []
    with (
        torch.random.fork_rng(devices=devices),
        torch.autocast(device.type, enabled=False),
        torch.backends.cudnn.flags(
            enabled=True, benchmark=False, deterministic=True, allow_tf32=False
        ),
        torch.no_grad(),
    ):
        torch.set_float32_matmul_precision("highest")
        try:
            yield
        finally:
            torch.set_float32_matmul_precision(precision)


def _host_free_bytes() -> int:
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass  # not Linux: all that sysconf knows is the whole
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _control_group_free_bytes() -> int:
    """What a container's limit leaves; without a limit more than any machine has."""
    folder = Path("/sys/fs/cgroup")
    try:
        limit = (folder / "memory.max").read_text(encoding="ascii").strip()
        used = (folder / "memory.current").read_text(encoding="ascii").strip()
    except OSError:
        return 2**63
    return 2**63 if limit == "max" else max(0, int(limit) - int(used))
