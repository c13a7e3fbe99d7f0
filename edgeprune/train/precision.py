"""Which number format and memory layout trains fastest on this device."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor, nn

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


# oneDNN's backward of a strided 1x1 convolution writes out of bounds on channels-last tensors with
# fewer input channels than a vector register holds (seen with AVX2 in torch 2.14: below 8; twice
# that is kept clear of). Pruned shortcuts get that narrow.
_SAFE_STRIDED_POINTWISE_CHANNELS = 16


def lay_out(module: nn.Module) -> torch.memory_format:
    """Give every 4-D parameter the layout that trains fastest, in place, and return that layout.

    Called after construction, restoring and surgery alike: kernels are chosen by layout, and a
    resumed run must sum in the same order as the run it continues. Inputs go in the same layout.
    """
    layout = _layout_for(module)
    with torch.no_grad():
        for parameter in module.parameters():
            if parameter.dim() == 4:
                parameter.data = parameter.data.contiguous(memory_format=layout)
    return layout


def in_layout(tensors: tuple[Tensor, ...], layout: torch.memory_format) -> tuple[Tensor, ...]:
    """The 4-D tensors among `tensors` in `layout`, the others as they are."""
    return tuple(t.contiguous(memory_format=layout) if t.dim() == 4 else t for t in tensors)


def _layout_for(module: nn.Module) -> torch.memory_format:
    for layer in module.modules():
        if (
            isinstance(layer, nn.Conv2d)
            and layer.kernel_size == (1, 1)
            and max(layer.stride) > 1
            and layer.in_channels < _SAFE_STRIDED_POINTWISE_CHANNELS
            and layer.weight.device.type == "cpu"
        ):
            return torch.contiguous_format
    return torch.channels_last
