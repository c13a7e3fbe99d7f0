"""What every inference runtime looks like to the measuring and verifying code."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Mapping, TypeVar

import numpy as np

from edgeprune.device.errors import DeviceError

Self = TypeVar("Self", bound="Runner")


class Runner(ABC):
    """One model in one runtime, usable between `activate` and `deactivate`.

    Creating a runner is cheap; files are read and memory is taken by `activate`. As a context
    manager it activates on entry and deactivates on exit, so nothing outlives a failure.

    Args:
        name: for messages; by convention the file of the model.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._active = False

    @property
    def active(self) -> bool:
        """Whether `infer` may be called."""
        return self._active

    def activate(self) -> None:
        """Load the model; does nothing when it is loaded already."""
        if not self._active:
            self._load()
            self._active = True

    def deactivate(self) -> None:
        """Release the model; does nothing when it is not loaded."""
        if self._active:
            self._active = False
            self._unload()

    def infer(self, feed: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Run the model once and wait for the result.

        Args:
            feed: an array for every input of the model, batch on axis 0.

        Returns:
            Every output by name.

        Raises:
            DeviceError: the runner is not active, or the runtime refuses the inputs.
        """
        if not self._active:
            raise DeviceError(f"{self.name}: the runner is not active; use it in a with statement")
        return self._infer(feed)

    def device_ms(self, feed: Mapping[str, np.ndarray]) -> float | None:
        """Time that one inference takes on the accelerator alone, copies left out.

        Returns:
            None where the runtime has no accelerator, or does not tell.
        """
        return None

    def __enter__(self: Self) -> Self:
        """Activate."""
        self.activate()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Deactivate, whatever happened."""
        self.deactivate()

    @abstractmethod
    def _load(self) -> None: ...

    @abstractmethod
    def _unload(self) -> None: ...

    @abstractmethod
    def _infer(self, feed: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]: ...
