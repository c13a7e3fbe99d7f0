"""Creating TensorRT's first object, which fails where there is no GPU."""

from __future__ import annotations

from typing import Any, Callable

from edgeprune.device.errors import DeviceUnsupportedError
from edgeprune.device.tensorrt.lines import one_line


def start(make: Callable[[Any], Any], log: Any, label: str) -> Any:
    """A builder or runtime.

    Args:
        make: its class.
        log: TensorRT's log.
        label: the TensorRT, for people.

    Raises:
        DeviceUnsupportedError: it does not start.
    """
    try:
        return make(log)
    except TypeError as failure:  # what the bindings make of a null pointer
        reason = one_line(log.errors[0]) if log.errors else "it gave no reason"
        raise DeviceUnsupportedError(
            f"{label} does not start; it needs an NVIDIA GPU and its driver ({reason})"
        ) from failure
