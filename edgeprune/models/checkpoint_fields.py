"""What each field of a checkpoint may hold."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

from torch import Tensor

from edgeprune.models.plain import plain_fault
from edgeprune.models.scales import scales_fault

LARGEST_IMAGE: Final = 2**26  # values of one input: 268 MB as float32
_LONGEST_NAME: Final = 1000
_MOST_TABLES: Final = 1000


def field_fault(values: Mapping[str, Any]) -> str:
    """Say which field of a checkpoint's dict is missing or unusable; "" when none is."""
    for name, fault_of in _FIELDS.items():
        if name not in values and name in _OPTIONAL:
            continue
        if name not in values:
            return f"field '{name}' is missing"
        fault = fault_of(values[name])
        if fault:
            return f"field '{name}' {fault}"
    count, names = values["arch_args"].get("num_classes"), values["classes"]
    if names is not None and isinstance(count, int) and count != len(names):
        return f"field 'classes' has {len(names)} names for {count} outputs"
    return ""


def _arch(value: Any) -> str:
    usable = isinstance(value, str) and 0 < len(value) <= _LONGEST_NAME and value.isprintable()
    return "" if usable else "is not a name"


def _arch_args(value: Any) -> str:
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        return "is not a mapping of settings"
    for key, setting in value.items():
        if not key.isidentifier() or not _is_setting(setting):
            return "holds something other than numbers and flags"
    return ""


def _is_setting(value: Any) -> bool:
    """A number, a flag, or a short list of whole numbers such as the rows of tables."""
    if isinstance(value, (list, tuple)):
        return len(value) <= _MOST_TABLES and all(type(entry) is int for entry in value)
    return type(value) in (int, float, bool)


def _attributes(value: Any) -> str:
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        return "is not a mapping of module paths"
    for widths in value.values():
        if not isinstance(widths, dict) or not all(isinstance(key, str) for key in widths):
            return "is not a mapping of attributes"
    return _plain(value)


def _state_dict(value: Any) -> str:
    if not isinstance(value, dict) or not value:
        return "is not a mapping of tensors"
    usable = all(isinstance(k, str) and isinstance(v, Tensor) for k, v in value.items())
    return "" if usable else "holds something other than tensors"


def _preprocessing(value: Any) -> str:
    if value is None:
        return ""
    fault = _plain_mapping(value)
    if fault:
        return fault
    size = value.get("image_size")
    numbers = [*size[:2], value.get("channels")] if isinstance(size, (list, tuple)) else []
    values = math.prod(number for number in numbers if isinstance(number, int))
    return "is of an absurd image size" if values > LARGEST_IMAGE else ""


def _classes(value: Any) -> str:
    if value is None:
        return ""
    usable = isinstance(value, (list, tuple)) and all(
        isinstance(name, str) and len(name) <= _LONGEST_NAME for name in value
    )
    if not usable:
        return "is not a list of names"
    return "" if len(set(value)) == len(value) else "names a class twice"


def _quantization(value: Any) -> str:
    return "" if value is None else scales_fault(value)


def _plain_mapping(value: Any) -> str:
    return _plain(value) if isinstance(value, dict) else "is not a mapping"


def _plain(value: Any) -> str:
    fault = plain_fault(value)
    return f"holds {fault}" if fault else ""


_FIELDS: Final[dict[str, Callable[[Any], str]]] = {
    "arch": _arch,
    "arch_args": _arch_args,
    "attributes": _attributes,
    "state_dict": _state_dict,
    "preprocessing": _preprocessing,
    "classes": _classes,
    "metrics": _plain_mapping,
    "provenance": _plain_mapping,
    "quantization": _quantization,
}
_OPTIONAL: Final = frozenset({"quantization"})  # files of earlier versions do not have it
