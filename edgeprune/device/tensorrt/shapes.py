"""Shapes of an input for an optimisation profile."""

from __future__ import annotations

from typing import Sequence, Tuple

from edgeprune.device.errors import DeviceUnsupportedError
from edgeprune.device.tensorrt.settings import BatchProfile

Shapes = Tuple[Tuple[int, ...], Tuple[int, ...], Tuple[int, ...]]


def profile_shapes(name: str, shape: Sequence[int], batch: BatchProfile) -> Shapes:
    """Least, usual and largest shape of an input; where its batch is fixed, that one.

    Raises:
        DeviceUnsupportedError: other axes than the batch are open.
    """
    rest = tuple(shape)[1:]
    if any(size < 0 for size in rest):
        raise DeviceUnsupportedError(
            f"input '{name}' has free axes besides the batch ({tuple(shape)}); "
            "export it with fixed ones"
        )
    if shape[0] >= 0:
        return (tuple(shape),) * 3
    return (batch.least, *rest), (batch.usual, *rest), (batch.most, *rest)
