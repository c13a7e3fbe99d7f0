"""Frozen results from the plain values that came over the wire."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


def from_plain(kind: type[T], value: Any) -> T:
    """An object of a dataclass or named tuple from what `asdict` and JSON made of it.

    Keys that the class does not have are passed over: derived figures stand among the fields.

    Args:
        kind: its class, whose fields are numbers, texts, tuples, mappings, None and such classes.
        value: plain values.

    Raises:
        KeyError: a field is missing.
        TypeError: a value does not suit its field.
    """
    found: T = _of(kind, value)
    return found


def _of(kind: Any, value: Any) -> Any:
    if is_dataclass(kind) or hasattr(kind, "_fields"):
        return _record(kind, value)
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return _either(inner, value)
    if origin is tuple:
        kinds = [inner[0]] * len(value) if inner[-1] is Ellipsis else inner
        return tuple(_of(k, v) for k, v in zip(kinds, value, strict=True))
    if origin in (dict, Mapping):
        return {name: _of(inner[1], each) for name, each in value.items()}
    if kind is float and isinstance(value, int):
        return float(value)
    if kind is not Any and not isinstance(value, kind):
        raise TypeError(f"{value!r} where {kind} belongs")
    return value


def _record(kind: Any, value: Any) -> Any:
    hints = get_type_hints(kind)
    names = [field.name for field in fields(kind)] if is_dataclass(kind) else list(kind._fields)
    return kind(**{name: _of(hints[name], value[name]) for name in names})


def _either(kinds: tuple[Any, ...], value: Any) -> Any:
    """None or one other kind."""
    if value is None:
        return None
    return _of(next(kind for kind in kinds if kind is not types.NoneType), value)
