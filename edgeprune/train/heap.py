"""The memory that one training step frees is kept for the next.

glibc gives free memory at the top of its heap back to the system, and a step on a CPU frees all of
its activations: the next step then pays for as many page faults (measured: a tenth of a step).
"""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections.abc import Iterator

# Of malloc.h; the numbers are part of glibc's interface.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_NEVER = 2**31 - 1
_LARGEST_IN_HEAP = 32 << 20  # bytes: glibc takes no more; what is larger stays a mapping of its own
# Where glibc's own adjustment ends in a process that has freed blocks of that size.
_ADJUSTED = 2 * _LARGEST_IN_HEAP
_CHOSEN_BY_USER = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TOP_PAD_")


@contextlib.contextmanager
def kept_heap() -> Iterator[None]:
    """Keep freed memory in the process; give it back at the end.

    Does nothing where the C library is not glibc, or where the environment says how it is to go.
    """
    libc = _adjustable()
    if libc is None:
        yield
        return
    libc.mallopt(_MMAP_THRESHOLD, _LARGEST_IN_HEAP)
    libc.mallopt(_TRIM_THRESHOLD, _NEVER)
    try:
        yield
    finally:
        libc.mallopt(_TRIM_THRESHOLD, _ADJUSTED)
        libc.malloc_trim(0)


def _adjustable() -> ctypes.CDLL | None:
    if any(name in os.environ for name in _CHOSEN_BY_USER):
        return None
    if "glibc.malloc" in os.environ.get("GLIBC_TUNABLES", ""):
        return None
    try:
        libc = ctypes.CDLL(None)
    except (OSError, TypeError):  # Windows has no such handle
        return None
    has_both = hasattr(libc, "mallopt") and hasattr(libc, "malloc_trim")
    return libc if has_both else None
