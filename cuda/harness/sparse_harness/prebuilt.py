"""The plugin for aarch64, prebuilt: host code over CUDA's driver, with kernels compiled ahead."""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from sparse_harness.build import CUDA, run
from sparse_harness.plugin_build import EXPORTS, PLUGIN_SOURCES
from sparse_harness.tensorrt_headers import tensorrt_headers

COMPILER = "aarch64-linux-gnu-g++"
_PREBUILT = CUDA / "prebuilt"
_WITHOUT_CUDA = CUDA / "harness" / "plugin" / "without_cuda"
_PLAN_SOURCES = tuple(sorted((CUDA / "plan").glob("*.cc")))
_DRIVER_SOURCES = tuple(sorted((CUDA / "plugin" / "device").glob("driver*.cc")))
_OPTIONS = (
    *("-std=c++14", "-O2", "-fPIC", "-shared", "-fvisibility=hidden", "-ffunction-sections"),
    *("-fdata-sections", "-Wall", "-Wextra", "-Wno-deprecated-declarations"),
    *("-static-libstdc++", "-Wl,--gc-sections", "-Wl,--no-undefined", "-Wl,-z,nodelete", EXPORTS),
)


def compiler() -> str | None:
    """The cross-compiler, where there is one."""
    return shutil.which(COMPILER)


def build(cubins: Mapping[int, Path], out: Path, headers: Path) -> None:
    """The library.

    Args:
        cubins: by compute capability without its point, such as 87.
        out: to write.
        headers: folder of TensorRT's headers; they decide which versions load the library.

    Raises:
        BuildError: the compiler refused.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "cubins.cc").write_text(_table(sorted(cubins)))
        (folder / "cubins.S").write_text(_assembly(cubins))
        run([COMPILER, "-c", str(folder / "cubins.S"), "-o", str(folder / "cubins.o")])
        sources = (*_PLAN_SOURCES, *PLUGIN_SOURCES, *_DRIVER_SOURCES)
        run([
            COMPILER, *_OPTIONS, "-include", str(_PREBUILT / "older_glibc.h"), f"-I{CUDA}",
            f"-isystem{headers}", f"-isystem{_WITHOUT_CUDA}",
            *map(str, sources), str(_PREBUILT / "older_glibc.cc"), str(folder / "cubins.cc"),
            str(folder / "cubins.o"), "-Wl,--no-as-needed", "-l:libdl.so.2", "-o", str(out),
        ])  # fmt: skip


def checking_program(folder: Path) -> Path:
    """A program for aarch64 that runs a layer of a library, over the driver that stands in."""
    checks = CUDA / "harness" / "prebuilt"
    driver, program = folder / "libcuda.so.1", folder / "program"
    common = [COMPILER, "-std=c++14", "-O1", "-Wall", "-Wextra", "-Wno-deprecated-declarations"]
    run([*common, "-shared", "-fPIC", str(checks / "standin_cuda.cc"), "-o", str(driver)])
    run([*common, f"-I{CUDA}", f"-isystem{tensorrt_headers()}", f"-isystem{_WITHOUT_CUDA}",
         str(checks / "program.cc"), "-o", str(program)])  # fmt: skip
    return program


def _table(capabilities: Sequence[int]) -> str:
    names = [f"edgeprune_cubin_{sm}" for sm in capabilities]
    return "\n".join([
        '#include "plugin/device/cubins.h"',
        'extern "C" {',
        *(f"extern const unsigned char {name}[];" for name in names),
        "}",
        "edgeprune::plugin::device::Cubins edgeprune::plugin::device::embedded_cubins() {",
        "  static const Cubin all[] = {",
        *(f"      {{{sm}, {name}}}," for sm, name in zip(capabilities, names, strict=True)),
        "  };",
        f"  return {{all, {len(names)}}};",
        "}",
        "",
    ])  # fmt: skip


def _assembly(cubins: Mapping[int, Path]) -> str:
    """The driver reads images that begin at multiples of 64 bytes."""
    parts = ["  .section .rodata"]
    for sm, path in cubins.items():
        name = f"edgeprune_cubin_{sm}"
        parts += [f"  .hidden {name}", f"  .global {name}", "  .balign 64", f"{name}:",
                  f'  .incbin "{path.resolve()}"']  # fmt: skip
    return "\n".join([*parts, '  .section .note.GNU-stack,"",%progbits', ""])


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cubin", action="append", required=True, metavar="SM=FILE",
                        help="kernels of a compute capability: 87=direct.cubin")  # fmt: skip
    parser.add_argument("--headers", type=Path, help="TensorRT's; by default those of 10.14")
    parser.add_argument("--out", type=Path, default=Path("libedgeprune_plugin.so"))
    given = parser.parse_args()
    cubins = {int(sm): Path(path) for sm, _, path in (one.partition("=") for one in given.cubin)}
    build(cubins, given.out, given.headers or tensorrt_headers())


if __name__ == "__main__":
    _main()
