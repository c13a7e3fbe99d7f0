"""Which number format trains fastest on this device."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch

from edgeprune.errors import UnsupportedError

# CPU features that multiply bfloat16 in hardware; without one autocast is many times slower.
_BF16_FLAGS = frozenset({"amx_bf16", "avx512_bf16", "bf16"})


@dataclass(frozen=True)
class Precision:
    """Autocast settings of a training run."""

    device_type: str
    name: str  # fp32, bf16 or fp16

    def autocast(self) -> contextlib.AbstractContextManager[object]:
        """Context of every forward pass."""
        if self.name == "fp32":
            return contextlib.nullcontext()
        dtype = torch.bfloat16 if self.name == "bf16" else torch.float16
        return torch.autocast(self.device_type, dtype)

    def scaler(self) -> torch.amp.GradScaler:
        """A gradient scaler; one that does nothing unless the format is fp16."""
        return torch.amp.GradScaler(self.device_type, enabled=self.name == "fp16")


def choose_precision(asked: str, device: torch.device) -> Precision:
    """Resolve `auto` for `device`; fp16 is refused on CPUs.

    Raises:
        UnsupportedError: fp16 training on a CPU.
    """
    if asked == "fp16" and device.type == "cpu":
        raise UnsupportedError("precision=fp16 trains on CUDA only: use auto, fp32 or bf16")
    if asked != "auto":
        return Precision(device.type, asked)
    if device.type == "cuda":
        return Precision("cuda", "bf16" if torch.cuda.is_bf16_supported() else "fp16")
    return Precision("cpu", "bf16" if cpu_gains_from_bf16() else "fp32")


@lru_cache(maxsize=1)
def cpu_gains_from_bf16() -> bool:
    """Whether this CPU has bfloat16 multiply instructions (AMX, AVX512-BF16, Armv8.6)."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return any(
        _BF16_FLAGS & set(line.partition(":")[2].split())
        for line in text.splitlines()
        if line.startswith(("flags", "Features"))
    )
