"""What is CUDA's and has to be given back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import TypeVar

Self = TypeVar("Self", bound="Closing")


class Closing(ABC):
    """Gives back what it holds by `close`, or at the end of a with."""

    @abstractmethod
    def close(self) -> None:
        """Give it back; does nothing the second time."""

    def __enter__(self: Self) -> Self:
        """The object itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close, whatever happened."""
        self.close()
