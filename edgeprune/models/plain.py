"""Values that files may hold beside tensors: numbers, text, lists and dicts of them."""

from __future__ import annotations

from typing import Final

_MOST_VALUES: Final = 200_000
_DEEPEST: Final = 20


def plain_fault(value: object) -> str:
    """Say why `value` is more than plain data; "" when it is not.

    Counts what it visits, because a few bytes of pickle can hold nested references to one list
    that stand for billions of values.
    """
    left = [(value, 0)]
    visited = 0
    while left:
        item, depth = left.pop()
        visited += 1
        if visited > _MOST_VALUES or depth > _DEEPEST:
            return "too many or too deeply nested values"
        if isinstance(item, dict):
            if not all(isinstance(key, str) for key in item):
                return "a key that is not a string"
            left += [(inner, depth + 1) for inner in item.values()]
        elif isinstance(item, (list, tuple)):
            if len(left) + len(item) > _MOST_VALUES:
                return "too many or too deeply nested values"
            left += [(inner, depth + 1) for inner in item]
        elif item is not None and not isinstance(item, (bool, int, float, str)):
            return f"a {type(item).__name__}"
    return ""
