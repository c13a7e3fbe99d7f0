"""Libraries with plugins: they have to be there before a graph that uses them is read."""

from __future__ import annotations

import ctypes
from typing import Iterable

from edgeprune.device.errors import DeviceUnsupportedError


def load_plugins(libraries: Iterable[str]) -> None:
    """Load each library, whose static initialisers register its plugins.

    Raises:
        DeviceUnsupportedError: it does not load here.
    """
    for library in libraries:
        _load(library)


def _load(library: str) -> None:
    try:
        ctypes.CDLL(library, mode=ctypes.RTLD_GLOBAL)
    except OSError as failure:
        raise DeviceUnsupportedError(f"--plugin {library}: {failure}") from failure
