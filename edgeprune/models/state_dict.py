"""Weights as other people save them: wrapped, prefixed, from old versions, without a name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from torch import Tensor, nn

from edgeprune.errors import UserInputError
from edgeprune.models.resize import keys_fault
from edgeprune.models.restore import fill_skeleton
from edgeprune.models.skeleton import build_skeleton
from edgeprune.models.versions import load_weights
from edgeprune.wording import shown

_WRAPPERS: Final = ("state_dict", "model_state_dict", "model_state", "model", "net")
_PREFIXES: Final = ("module.", "_orig_mod.")
# torchvision's first DenseNet files name `norm1` as `norm.1`.
_OLD_DENSENET: Final = re.compile(r"^(.*denselayer\d+\.(?:norm|relu|conv))\.([12]\..+)$")
# Heads that GoogLeNet and Inception use in training only.
_AUXILIARY: Final = re.compile(r"^(aux[12]|AuxLogits)\.")
_NOT_WEIGHTS: Final = "num_batches_tracked"
# Two sizes that no architecture uses: what differs between them is the axis in question.
_PROBES: Final = (1009, 1013)


@dataclass(frozen=True)
class InputOutput:
    """Sizes at the two ends of a network, read from its weights."""

    num_classes: int
    in_channels: int


def unwrap_state_dict(content: object) -> dict[str, Any]:
    """Return the state_dict inside `content`, its keys freed from wrappers' prefixes.

    Raises:
        UserInputError: there is none; the message lists what the file holds instead.
    """
    inner = content
    while isinstance(inner, Mapping):
        name = next((w for w in _WRAPPERS if isinstance(inner.get(w), Mapping)), None)
        if name is None:
            break
        inner = inner[name]
    if not isinstance(inner, Mapping) or not _has_tensors(inner):
        held = (
            f"keys {sorted(map(str, inner))[:5]}"
            if isinstance(inner, Mapping)
            else (f"a {type(inner).__name__}")
        )
        raise UserInputError(f"no state_dict in it, but {held[:160]}")
    return {_present_name(str(key)): value for key, value in inner.items()}


def read_sizes(arch: str, state_dict: Mapping[str, Tensor]) -> InputOutput:
    """Read from the weights how many classes and input channels a registry's network has.

    Raises:
        UserInputError: the weights are of another network.
    """
    small, large = _PROBES
    base = build_skeleton(arch, num_classes=small)
    fault = _keys_fault(base, state_dict)
    if fault:
        raise UserInputError(fault)
    deep = build_skeleton(arch, num_classes=small, in_channels=large)
    wide = build_skeleton(arch, num_classes=large)
    return InputOutput(_size(base, wide, state_dict), _size(base, deep, state_dict))


def fill_from(arch: str, sizes: InputOutput, state_dict: Mapping[str, Tensor]) -> nn.Module:
    """Build a registry's network from a bare state_dict.

    Counters that files of torch < 0.4.1 lack are filled in; auxiliary heads are left out.

    Raises:
        UserInputError: keys or shapes are of another network. One line.
    """
    model = build_skeleton(arch, num_classes=sizes.num_classes, in_channels=sizes.in_channels)
    present = model.state_dict()
    fault = _keys_fault(model, state_dict) or _shape_fault(present, state_dict)
    if fault:
        raise UserInputError(fault)
    known = {key: state_dict.get(key, tensor) for key, tensor in present.items()}
    fill_skeleton(model, known)
    return model


def load_into(model: nn.Module, state_dict: Mapping[str, Tensor]) -> None:
    """Load a bare state_dict into a user's own network.

    Raises:
        UserInputError: keys or shapes are of another network. One line.
    """
    fault = keys_fault(model.state_dict(), state_dict) or _shape_fault(
        model.state_dict(), state_dict
    )
    if fault:
        raise UserInputError(fault)
    load_weights(model, state_dict)


def _has_tensors(values: Mapping[Any, Any]) -> bool:
    return bool(values) and any(isinstance(value, Tensor) for value in values.values())


def _present_name(key: str) -> str:
    for prefix in _PREFIXES:
        key = key.removeprefix(prefix)
    return _OLD_DENSENET.sub(r"\1\2", key)


def _keys_fault(model: nn.Module, state_dict: Mapping[str, Tensor]) -> str:
    expected = {
        key: None
        for key in model.state_dict()
        if key in state_dict or not key.endswith(_NOT_WEIGHTS)
    }
    given = {key: None for key in state_dict if key in expected or not _AUXILIARY.match(key)}
    return keys_fault(expected, given)


def _shape_fault(present: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> str:
    for key, tensor in present.items():
        if key in given and given[key].shape != tensor.shape:
            found, wanted = tuple(given[key].shape), tuple(tensor.shape)
            return (
                f"{shown(key)} is {found}, the network's is {wanted}; a pruned network restores "
                "from its own checkpoint only"
            )
    return ""


def _size(base: nn.Module, other: nn.Module, state_dict: Mapping[str, Tensor]) -> int:
    changed = other.state_dict()
    for key, tensor in base.state_dict().items():
        given = state_dict.get(key)
        for axis, (one, two) in enumerate(zip(tensor.shape, changed[key].shape, strict=True)):
            if one != two and given is not None and given.dim() == tensor.dim():
                return int(given.shape[axis])
    raise UserInputError("the state_dict is of another network: its ends cannot be found")
