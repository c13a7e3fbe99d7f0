"""Kernels compiled ahead by NVRTC, whose packages on PyPI need no CUDA toolkit and no GPU."""

from __future__ import annotations

import argparse
import ctypes
import fcntl
import subprocess
import sys
import zipfile
from pathlib import Path

from sparse_harness.build import CUDA, BuildError, cache_folder

# By compute capability: the oldest toolkit of the boards that have it, for drivers load the images
# of older toolkits and not of newer ones.
TOOLKITS = {
    72: ("nvidia-cuda-nvrtc-cu11==11.8.89", "nvidia-cuda-runtime-cu11==11.8.89"),
    87: ("nvidia-cuda-nvrtc-cu12==12.6.85", "nvidia-cuda-runtime-cu12==12.6.77"),
    110: ("nvidia-cuda-nvrtc==13.0.88", "nvidia-cuda-runtime==13.0.96"),
}
ALL_KERNELS = "EDGEPRUNE_DIRECT_KERNELS(EDGEPRUNE_DEFINE_KERNEL)"
# NVRTC has no host headers; of these the kernels' own headers name a type each.
_HOST_HEADERS = {
    b"string": b"namespace std { struct string { bool empty() const { return true; } }; }",
    b"cuda_runtime_api.h": b"typedef struct CUstream_st* cudaStream_t;",
}


def cubin(sm: int, kernels: str = ALL_KERNELS) -> bytes:
    """The image of kernels for a compute capability of `TOOLKITS`.

    Args:
        kernels: a line of cuda/kernels/kernels.cuh that defines them.

    Raises:
        BuildError: NVRTC refuses; the message is its log.
    """
    folder = _toolkit(sm)
    library = _library(folder)
    program = ctypes.c_void_p()
    source = f'#include "kernels/kernels.cuh"\n{kernels}\n'.encode()
    texts = (ctypes.c_char_p * len(_HOST_HEADERS))(*_HOST_HEADERS.values())
    names = (ctypes.c_char_p * len(_HOST_HEADERS))(*_HOST_HEADERS)
    library.nvrtcCreateProgram(
        ctypes.byref(program), source, b"direct.cu", len(_HOST_HEADERS), texts, names
    )
    includes = [CUDA, *{path.parent for path in folder.rglob("cuda_fp16.h")}]
    given = [f"--gpu-architecture=sm_{sm}", "-std=c++14", "-default-device"]
    options = [one.encode() for one in (*given, *(f"-I{path}" for path in includes))]
    room = (ctypes.c_char_p * len(options))(*options)
    failed = library.nvrtcCompileProgram(program, len(options), room)
    if failed:
        log = _output(library, program, "ProgramLog").rstrip(b"\0").decode()
        raise BuildError(f"NVRTC for sm_{sm}: {log[:4000]}")
    return _output(library, program, "CUBIN")


def _output(library: ctypes.CDLL, program: ctypes.c_void_p, name: str) -> bytes:
    size = ctypes.c_size_t()
    getattr(library, f"nvrtcGet{name}Size")(program, ctypes.byref(size))
    room = ctypes.create_string_buffer(size.value)
    getattr(library, f"nvrtcGet{name}")(program, room)
    return room.raw


def _library(folder: Path) -> ctypes.CDLL:
    """It looks for its builtins by name only, and finds them loaded."""
    builtins = next(folder.rglob("libnvrtc-builtins.so*"))
    ctypes.CDLL(str(builtins), mode=ctypes.RTLD_GLOBAL)
    names = [path for path in folder.rglob("libnvrtc.so*") if "alt" not in path.name]
    return ctypes.CDLL(str(names[0]))


def _toolkit(sm: int) -> Path:
    """The packages of a toolkit, unpacked."""
    packages = TOOLKITS[sm]
    folder = cache_folder() / packages[0].replace("==", "-")
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "whole").exists():
            _download(packages, folder)
            (folder / "whole").touch()
    return folder


def _download(packages: tuple[str, ...], folder: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary",
               ":all:", "--dest", str(folder), *packages]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BuildError(f"{', '.join(packages)}: {done.stderr.strip()[-300:]}")
    for wheel in folder.glob("*.whl"):
        with zipfile.ZipFile(wheel) as packed:
            packed.extractall(folder)
        wheel.unlink()


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sm", type=int, choices=sorted(TOOLKITS), help="compute capability")
    parser.add_argument("out", type=Path, help="file to write")
    given = parser.parse_args()
    given.out.write_bytes(cubin(given.sm))


if __name__ == "__main__":
    _main()
