"""What compiled kernels consist of, by the disassemblers of NVIDIA's packages on PyPI."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sparse_harness.build import BuildError
from sparse_harness.wheels import unpacked

_PACKAGES = ("nvidia-cuda-cuobjdump==13.5.37", "nvidia-cuda-nvdisasm==13.5.37")
DISASSEMBLED_SM = 75  # the oldest compute capability that this nvdisasm knows
_USAGE = re.compile(
    r"Function (?P<name>\w+):\s+REG:(?P<registers>\d+) STACK:(?P<stack>\d+) SHARED:\d+ "
    r"LOCAL:(?P<local>\d+)"
)
_SECTION = re.compile(r"^\.text\.(\w+):$")
_LABEL = re.compile(r"^(\.L_x_\d+):$")
_INSTRUCTION = re.compile(r"^\s+/\*[0-9a-f]{4,}\*/\s+(?:@!?U?P\w+ )?\s*([A-Z][A-Z0-9_.]*)(.*)$")
_MULTIPLY_ADDS = ("FFMA", "FFMA2", "HFMA2", "HMMA")


@dataclass(frozen=True)
class Usage:
    """What a thread of a kernel takes: registers, and bytes of local memory with its stack."""

    registers: int
    local_bytes: int


@dataclass(frozen=True)
class Line:
    """An instruction, or a label (its opcode is empty)."""

    opcode: str
    operands: str

    @property
    def base(self) -> str:
        """The opcode without its modifiers."""
        return self.opcode.partition(".")[0]

    @property
    def multiplies(self) -> bool:
        """A multiply-add of data; one whose factors are zero moves a constant."""
        return self.base in _MULTIPLY_ADDS and "RZ, RZ" not in self.operands


def usage(image: Path) -> dict[str, Usage]:
    """By kernel."""
    return {
        found["name"]: Usage(int(found["registers"]), int(found["stack"]) + int(found["local"]))
        for found in _USAGE.finditer(_tool("cuobjdump", "-res-usage", image))
    }


def disassembly(image: Path) -> dict[str, list[Line]]:
    """By kernel, of an image for `DISASSEMBLED_SM` or later."""
    kernels: dict[str, list[Line]] = {}
    lines: list[Line] = []
    for text in _tool("nvdisasm", "-c", image).splitlines():
        if section := _SECTION.match(text):
            lines = kernels.setdefault(section[1], [])
        elif label := _LABEL.match(text):
            lines.append(Line("", label[1]))
        elif instruction := _INSTRUCTION.match(text):
            lines.append(Line(instruction[1], instruction[2]))
    return kernels


def inner_loop(kernel: Sequence[Line]) -> Sequence[Line]:
    """The loop with the most multiply-adds of those that hold no other loop.

    Raises:
        ValueError: no loop multiplies.
    """
    labels = {line.operands: i for i, line in enumerate(kernel) if not line.opcode}
    ends: dict[int, int] = {}
    for i, line in enumerate(kernel):
        target = re.search(r"\.L_x_\d+", line.operands) if line.base == "BRA" else None
        if target and labels[target[0]] < i:
            ends[labels[target[0]]] = max(i, ends.get(labels[target[0]], 0))
    loops = [
        kernel[first : last + 1]
        for first, last in ends.items()
        if not any(first < other and ends[other] <= last for other in ends)
    ]
    multiplying = [loop for loop in loops if any(line.multiplies for line in loop)]
    if not multiplying:
        raise ValueError("no loop of this kernel multiplies")
    return max(multiplying, key=lambda loop: sum(line.multiplies for line in loop))


def multiplies_per_load(loop: Sequence[Line]) -> float:
    """Multiply-adds for each load of shared memory."""
    loads = sum(line.base in ("LDS", "LDSM") for line in loop)
    return round(sum(line.multiplies for line in loop) / loads, 2)


def _tool(name: str, option: str, image: Path) -> str:
    found = next(unpacked(_PACKAGES).rglob(f"bin/{name}"))
    found.chmod(0o755)  # archives of this kind do not keep it
    done = subprocess.run(
        [found, option, image], capture_output=True, encoding="utf-8", check=False
    )
    if done.returncode:
        raise BuildError(f"{name} {image}: {done.stderr.strip()[-400:]}")
    return done.stdout
