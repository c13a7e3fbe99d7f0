"""Compile `standin_nvml.c` and steer it."""

from __future__ import annotations

import ctypes
import subprocess
from pathlib import Path

_SOURCE = Path(__file__).with_name("standin_nvml.c")


def compile_nvml(folder: Path) -> Path:
    """A `libnvidia-ml.so.1` in this folder."""
    path = folder / "libnvidia-ml.so.1"
    command = ["gcc", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-Wl,-Bsymbolic"]
    subprocess.run([*command, "-o", path, _SOURCE], check=True)
    return path


class StandInNvml:
    """The library, one GPU of 50 W that answers every question.

    Args:
        path: of the compiled library.
    """

    def __init__(self, path: Path) -> None:
        self.library = ctypes.CDLL(str(path))
        self.library.standin_gpus(1)
        self.has()
        self.library.standin_lose(0)
        self.draw(50.0)
        self.count(0.0)

    def load(self, name: str) -> ctypes.CDLL:
        """What the sensor opens it with."""
        assert name == "libnvidia-ml.so.1"
        return self.library

    def has(self, *, instant: bool = True, usage: bool = True, energy: bool = True) -> None:
        """Which questions it answers."""
        self.library.standin_has(int(instant), int(usage), int(energy))

    def gpus(self, count: int) -> None:
        """How many there are."""
        self.library.standin_gpus(count)

    def draw(self, watts: float) -> None:
        """Power of each from now on."""
        self.library.standin_power(round(1000 * watts))

    def count(self, watts: float) -> None:
        """Let the counter go by another power; 0 for the same."""
        self.library.standin_counts(round(1000 * watts))

    def lose(self) -> None:
        """Answer nothing any more."""
        self.library.standin_lose(1)

    @property
    def started(self) -> int:
        """How often it was started and not given back."""
        return int(self.library.standin_started())
