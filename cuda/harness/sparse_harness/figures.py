"""Figures of the kernels of `images.py` for every board; run as a module it writes them down."""

from __future__ import annotations

import json
from collections.abc import Mapping

from sparse_harness.build import CUDA, BuildError
from sparse_harness.images import CAPABILITIES, image
from sparse_harness.sass import (
    DISASSEMBLED_SM,
    disassembly,
    inner_loop,
    multiplies_per_load,
    usage,
)

FIGURES = CUDA / "figures.json"
Figures = Mapping[str, Mapping[str, float]]


def recorded() -> Mapping[str, Figures]:
    """By architecture and kernel.

    They are registers of a thread and, where the disassembler knows the architecture, multiply-adds
    of the inner loop for each load of shared memory.
    """
    found: Mapping[str, Figures] = json.loads(FIGURES.read_text())
    return found


def measured(sm: int) -> Figures:
    """The same of the kernels as they are now.

    Raises:
        BuildError: a kernel spills registers or uses local memory.
    """
    path = image(sm)
    used = usage(path)
    for name, of_kernel in used.items():
        if of_kernel.local_bytes:
            raise BuildError(f"{name} for sm_{sm} uses {of_kernel.local_bytes} B of local memory")
    listed = disassembly(path) if sm >= DISASSEMBLED_SM else {}
    ratios = {name: multiplies_per_load(inner_loop(lines)) for name, lines in listed.items()}
    return {
        name: {
            "registers": of_kernel.registers,
            **({"multiplies_per_load": ratios[name]} if ratios else {}),
        }
        for name, of_kernel in sorted(used.items())
    }


if __name__ == "__main__":
    figures = {f"sm_{sm}": measured(sm) for sm in CAPABILITIES}
    FIGURES.write_text(json.dumps(figures, indent=1) + "\n")
