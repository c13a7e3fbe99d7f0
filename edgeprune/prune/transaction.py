"""Changes to live objects that are made all together or not at all."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from types import TracebackType
from typing import Any

_ABSENT = object()


class Transaction:
    """A context in which changes are undone, last one first, if anything is raised.

    An interrupt from the keyboard counts: a network is either changed or as it was.
    """

    def __init__(self) -> None:
        self._undo: list[Callable[[], None]] = []

    def __enter__(self) -> Transaction:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if failure is not None:
            self.roll_back()

    def put(self, table: MutableMapping[Any, Any], key: Any, value: Any) -> None:
        """`table[key] = value`."""
        before = table.get(key, _ABSENT)
        # Noted first: an interrupt between the two statements then undoes nothing new.
        self._undo.append(
            (lambda: table.__setitem__(key, before))
            if before is not _ABSENT
            else (lambda: _drop(table, key))
        )
        table[key] = value

    def remove(self, table: MutableMapping[Any, Any], key: Any) -> None:
        """`del table[key]`."""
        before = table[key]
        self._undo.append(lambda: table.__setitem__(key, before))
        del table[key]

    def put_at(self, items: list[Any], index: int, value: Any) -> None:
        """`items[index] = value`."""
        before = items[index]
        self._undo.append(lambda: items.__setitem__(index, before))
        items[index] = value

    def set(self, owner: object, attribute: str, value: object) -> None:
        """`owner.attribute = value`."""
        before = getattr(owner, attribute)
        self._undo.append(lambda: setattr(owner, attribute, before))
        setattr(owner, attribute, value)

    def roll_back(self) -> None:
        """Undo everything so far."""
        while self._undo:
            self._undo.pop()()


def _drop(table: MutableMapping[Any, Any], key: Any) -> None:
    table.pop(key, None)
