"""How far a network's outputs are from PyTorch's, gathered batch by batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeprune.errors import UserInputError
from edgeprune.export.noise import Noise


@dataclass
class Difference:
    """Differences over all outputs together.

    Attributes:
        max_abs_error: the largest; not a number once an output is not finite.
        largest_output: largest magnitude of PyTorch's outputs.
        noise: their energies.
    """

    max_abs_error: float = 0.0
    largest_output: float = 0.0
    noise: Noise = field(default_factory=Noise)

    def add(self, name: str, exact: Sequence[NDArray[Any]], found: Sequence[NDArray[Any]]) -> None:
        """Count a batch.

        Args:
            name: of the network, for messages.

        Raises:
            UserInputError: the outputs have other shapes.
        """
        if [array.shape for array in exact] != [array.shape for array in found]:
            raise UserInputError(
                f"{name}: gives {[array.shape for array in found]} where the network gives "
                f"{[array.shape for array in exact]}: it is of another network; export this one "
                "again"
            )
        for ours, theirs in zip(exact, found, strict=True):
            self.noise.add(ours, theirs)
            with np.errstate(invalid="ignore"):
                error = np.abs(ours.astype(np.float64) - theirs).max(initial=0.0)
            # np.maximum keeps what is not a number, max() may not.
            self.max_abs_error = float(np.maximum(self.max_abs_error, error))
            self.largest_output = max(self.largest_output, float(np.abs(ours).max(initial=0.0)))

    @property
    def is_finite(self) -> bool:
        """Whether all outputs were numbers."""
        return bool(np.isfinite(self.max_abs_error))

    @property
    def max_rel_error(self) -> float:
        """The largest error over the largest magnitude of PyTorch's outputs."""
        return self.max_abs_error / self.largest_output if self.largest_output else 0.0
