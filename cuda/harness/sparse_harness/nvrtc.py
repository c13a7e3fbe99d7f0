"""Kernels compiled ahead by NVRTC, whose packages on PyPI need no CUDA toolkit and no GPU."""

from __future__ import annotations

import argparse
import contextlib
import ctypes
from collections.abc import Iterator
from pathlib import Path

from sparse_harness.build import CUDA, BuildError
from sparse_harness.wheels import unpacked

# By compute capability: the oldest toolkit of the boards that have it, for drivers load the images
# of older toolkits and not of newer ones.
TOOLKITS = {
    72: ("nvidia-cuda-nvrtc-cu11==11.8.89", "nvidia-cuda-runtime-cu11==11.8.89"),
    87: ("nvidia-cuda-nvrtc-cu12==12.6.85", "nvidia-cuda-runtime-cu12==12.6.77"),
    110: ("nvidia-cuda-nvrtc==13.0.88", "nvidia-cuda-runtime==13.0.96"),
}
# Boards whose own toolkits, 10.2, have no packages: these compile, for checks alone.
_CHECKED = dict.fromkeys((53, 62), TOOLKITS[72])
# GPUs that are on no board.
_OTHERS = {
    **dict.fromkeys((75, 80, 86, 89, 90), TOOLKITS[87]),
    **dict.fromkeys((100, 103, 120, 121), TOOLKITS[110]),
}
_CUDA_CORES = "EDGEPRUNE_DIRECT_KERNELS(EDGEPRUNE_DEFINE_KERNEL)"
_TENSOR_CORES = "EDGEPRUNE_VMMA_KERNELS(EDGEPRUNE_DEFINE_VMMA)"
TENSOR_SM = 80  # from here on there is the instruction that the latter are made of
_INCLUDES = '#include "kernels/kernels.cuh"\n#include "kernels/vmma_kernels.cuh"\n'
# NVRTC has no host headers; of these the kernels' own headers name a type each.
_HOST_HEADERS = {
    b"string": b"namespace std { struct string { bool empty() const { return true; } }; }",
    b"cuda_runtime_api.h": b"typedef struct CUstream_st* cudaStream_t;",
}


def packages(sm: int) -> tuple[str, str]:
    """NVRTC and the headers for a compute capability.

    Raises:
        BuildError: there are none on PyPI that know it.
    """
    found = {**TOOLKITS, **_CHECKED, **_OTHERS}.get(sm)
    if found is None:
        raise BuildError(f"no NVRTC on PyPI is known to compile for sm_{sm}")
    return found


def all_kernels(sm: int) -> str:
    """The lines that define every kernel that a compute capability runs."""
    return f"{_CUDA_CORES}\n{_TENSOR_CORES}" if sm >= TENSOR_SM else _CUDA_CORES


def cubin(sm: int, kernels: str) -> bytes:
    """The image of kernels for a compute capability that `packages` knows.

    Args:
        kernels: lines that define them by cuda/kernels/kernels.cuh and vmma_kernels.cuh.

    Raises:
        BuildError: NVRTC refuses; the message is its log.
    """
    folder = unpacked(packages(sm))
    library = _library(folder)
    program = ctypes.c_void_p()
    source = f"{_INCLUDES}{kernels}\n".encode()
    texts = (ctypes.c_char_p * len(_HOST_HEADERS))(*_HOST_HEADERS.values())
    names = (ctypes.c_char_p * len(_HOST_HEADERS))(*_HOST_HEADERS)
    library.nvrtcCreateProgram(
        ctypes.byref(program), source, b"kernels.cu", len(_HOST_HEADERS), texts, names
    )
    includes = [CUDA, *{path.parent for path in folder.rglob("cuda_fp16.h")}]
    given = [f"--gpu-architecture=sm_{sm}", "-std=c++14", "-default-device"]
    options = [one.encode() for one in (*given, *(f"-I{path}" for path in includes))]
    room = (ctypes.c_char_p * len(options))(*options)
    with _same_locale():
        failed = library.nvrtcCompileProgram(program, len(options), room)
    if failed:
        log = _output(library, program, "ProgramLog").rstrip(b"\0").decode()
        raise BuildError(f"NVRTC for sm_{sm}: {log[:4000]}")
    return _output(library, program, "CUBIN")


@contextlib.contextmanager
def _same_locale() -> Iterator[None]:
    """NVRTC 11 leaves its thread in the C locale, where text files are ASCII."""
    uselocale = ctypes.CDLL(None).uselocale
    uselocale.argtypes, uselocale.restype = (ctypes.c_void_p,), ctypes.c_void_p
    before = uselocale(None)
    try:
        yield
    finally:
        uselocale(before)


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


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sm", type=int, choices=sorted(TOOLKITS), help="compute capability")
    parser.add_argument("out", type=Path, help="file to write")
    given = parser.parse_args()
    given.out.write_bytes(cubin(given.sm, all_kernels(given.sm)))


if __name__ == "__main__":
    _main()
