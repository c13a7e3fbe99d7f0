"""What nvcc makes of the kernels: registers of each, and a refusal where one spills."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path

from sparse_harness.build import CUDA, KERNEL_SOURCES, BuildError, Shape, shape_list

ARCHITECTURES = ("sm_87", "sm_110")
BUDGET = CUDA / "registers.json"
_OPTIONS = ("-std=c++14", "-O3", "-cubin", "-Xptxas", "-v,--warn-on-spills,-Werror")
_KERNEL = re.compile(
    r"Compiling entry function '(?P<name>\w+)'.*?(?P<stack>\d+) bytes stack frame.*?"
    r"Used (?P<registers>\d+) registers",
    re.DOTALL,
)


def nvcc() -> str | None:
    """The compiler, where there is one."""
    return shutil.which("nvcc")


def budget() -> Mapping[str, Mapping[str, int]]:
    """Registers that each kernel may use, by architecture."""
    found: Mapping[str, Mapping[str, int]] = json.loads(BUDGET.read_text())
    return found


def registers(
    only: Sequence[Shape] = (),
    architectures: Sequence[str] = ARCHITECTURES,
    sources: Sequence[Path] = KERNEL_SOURCES,
) -> dict[str, dict[str, int]]:
    """Of every kernel of these sources, or of these shapes only, by architecture.

    Raises:
        BuildError: nvcc refused, or a kernel spills registers or uses local memory.
    """
    jobs = list(product(architectures, sources))
    with ThreadPoolExecutor(2) as pool:
        parts = pool.map(lambda job: _registers_of(job[1], job[0], only), jobs)
    found: dict[str, dict[str, int]] = {architecture: {} for architecture in architectures}
    for (architecture, _), part in zip(jobs, parts, strict=True):
        found[architecture].update(part)
    return found


def _registers_of(source: Path, architecture: str, only: Sequence[Shape]) -> dict[str, int]:
    with tempfile.TemporaryDirectory() as folder:
        # nvcc takes an option with commas for several.
        header = Path(folder) / "shapes.h"
        define = f"#define EDGEPRUNE_DIRECT_SHAPES(X, ...) {shape_list(only)}\n"
        header.write_text(define if only else "")
        done = subprocess.run(
            [nvcc() or "nvcc", *_OPTIONS, f"-arch={architecture}", "-include", str(header),
             str(source), "-o", str(Path(folder) / "kernels.cubin")],
            capture_output=True, encoding="utf-8", check=False,
        )  # fmt: skip
    said = done.stdout + done.stderr
    if done.returncode:
        raise BuildError(f"{source.name} for {architecture}\n{said[-4000:]}")
    kernels = list(_KERNEL.finditer(said))
    for kernel in kernels:
        if int(kernel["stack"]):
            raise BuildError(f"{kernel['name']} for {architecture} uses local memory")
    return {kernel["name"]: int(kernel["registers"]) for kernel in kernels}


if __name__ == "__main__":
    BUDGET.write_text(json.dumps(registers(), indent=1) + "\n")
