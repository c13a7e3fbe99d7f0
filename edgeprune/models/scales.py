"""Input scales of a network's INT8 layers, as a checkpoint keeps them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, Final

from torch import nn

from edgeprune.errors import UserInputError
from edgeprune.models.layer_roles import WEIGHTED
from edgeprune.wording import shown

KEY: Final = "input_scale"


def scales_as_plain(scales: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """What a file holds: `{module path: {"input_scale": value}}`."""
    return {path: {KEY: float(scale)} for path, scale in scales.items()}


def scales_from_plain(values: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """The inverse of `scales_as_plain`, of values without a fault."""
    return {path: float(entry[KEY]) for path, entry in values.items()}


def scales_fault(values: Any) -> str:
    """Say what keeps a file's values from being input scales; "" when nothing does."""
    if not isinstance(values, dict) or not all(isinstance(path, str) for path in values):
        return "is not a mapping of module paths"
    for entry in values.values():
        if not isinstance(entry, dict) or set(entry) != {KEY}:
            return f"holds something other than one '{KEY}' per module"
        scale = entry[KEY]
        if type(scale) is not float or not math.isfinite(scale) or scale <= 0:
            return "holds a scale that is not a positive number"
    return ""


def check_scales(model: nn.Module, paths: Iterable[str]) -> None:
    """Check that every path is a layer that INT8 can be applied to.

    Raises:
        UserInputError: it is not; one line naming it.
    """
    modules = dict(model.named_modules())
    for path in paths:
        if not isinstance(modules.get(path), WEIGHTED):
            raise UserInputError(
                f"quantization: the network has no convolution or linear layer '{shown(path)}'"
            )
