"""Networks whose weights take no memory, to look at shapes before anything is allocated."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from edgeprune.models.registry import build_model

# Nothing to do on tensors without values, and torch would import its compiler (2 s) to do it.
_INITIALISERS: Final = frozenset(
    {
        *("normal_", "uniform_", "fill_", "zero_", "erfinv_", "mul_", "add_", "clamp_"),
        *("constant_", "ones_", "zeros_", "trunc_normal_", "xavier_normal_", "xavier_uniform_"),
        *("kaiming_normal_", "kaiming_uniform_"),
    }
)
_WEIGHT_MAKERS: Final = frozenset({torch.empty, torch.zeros, torch.ones, torch.full, torch.randn})


class _WeightsOnMeta(TorchFunctionMode):
    """Make weights as meta tensors; what a constructor computes (arange, tensor) stays real.

    `torch.device("meta")` moves both, and RegNet and Swin compute with theirs.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        settings = dict(kwargs or {})
        weight = args[0] if args else settings.get("tensor")
        if isinstance(weight, Tensor) and weight.is_meta and func.__name__ in _INITIALISERS:
            return weight
        if func in _WEIGHT_MAKERS and settings.get("device") is None:
            settings["device"] = "meta"
        return func(*args, **settings)


def build_skeleton(arch: str, **arch_args: Any) -> nn.Module:
    """Return `build_model(arch, **arch_args)` with parameters and statistics on the meta device.

    Raises:
        UserInputError: as `build_model`.
    """
    with _WeightsOnMeta():
        return build_model(arch, **arch_args)
