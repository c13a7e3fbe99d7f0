"""Compile `standin_cudart.c` and steer it."""

from __future__ import annotations

import ctypes
import subprocess
from pathlib import Path

from edgeprune.device.cuda.cudart import CudartApi

_SOURCE = Path(__file__).with_name("standin_cudart.c")
KINDS = ("device", "host", "stream", "event", "graph", "executable")


def compile_standin(folder: Path, version: int = 12060) -> Path:
    """The library that says it is this version of CUDA.

    Its functions call each other and not those of a real library that PyTorch may have loaded.
    """
    path = folder / f"libcudart-{version}.so"
    subprocess.run(
        ["gcc", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-Wl,-Bsymbolic",
         f"-DCUDART={version}", "-o", path, _SOURCE],
        check=True,
    )  # fmt: skip
    return path


class StandIn(CudartApi):
    """The wrapper over a stand-in, and the stand-in's own controls."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.library = ctypes.CDLL(str(path))
        self.library.standin_calls.restype = ctypes.c_char_p
        self.library.standin_forget()
        self.library.standin_devices(1)
        super().__init__(str(path))
        self.library.standin_forget()

    def fail(self, name: str, code: int, after: int = 0) -> None:
        """Let a function fail with a code, from its call number `after` on."""
        self.library.standin_fail(name.encode(), code, after)

    def forget(self) -> None:
        """Fail no more and begin to note calls anew."""
        self.library.standin_forget()

    @property
    def calls(self) -> list[str]:
        """Names of the functions called, in order."""
        return str(self.library.standin_calls().decode()).split()

    @property
    def live(self) -> dict[str, int]:
        """Objects not given back, by kind; kinds without any are left out."""
        counts = {kind: self.library.standin_live(number) for number, kind in enumerate(KINDS)}
        return {kind: count for kind, count in counts.items() if count}
