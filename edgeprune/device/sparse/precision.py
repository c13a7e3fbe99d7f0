"""Number formats that the cost model knows."""

from __future__ import annotations

from edgeprune.device.errors import DeviceError

_BYTES = {"fp32": 4, "fp16": 2, "int8": 1}
PRECISIONS = tuple(_BYTES)


class UnknownPrecisionError(DeviceError):
    """A number format that is none of `PRECISIONS`; exit code 2."""

    exit_code = 2


def bytes_of(precision: str) -> int:
    """Of one value.

    Raises:
        UnknownPrecisionError: it is none of `PRECISIONS`.
    """
    if precision not in _BYTES:
        raise UnknownPrecisionError(f"precision {precision}: use {', '.join(PRECISIONS)}")
    return _BYTES[precision]
