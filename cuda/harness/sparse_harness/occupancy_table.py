"""Threads that are resident at the default launches; run as a module it writes them down.

For every board's architecture and kind of kernel, the launches that the planner chooses for the
3x3 layers of ResNet-18 and WRN-16-2 at two densities, with the registers that NVRTC gives their
kernels.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from sparse_harness.build import CUDA, plan_library
from sparse_harness.images import CAPABILITIES, image
from sparse_harness.networks import layers, with_channel_tile
from sparse_harness.nvrtc import TENSOR_SM
from sparse_harness.occupancy import occupancy
from sparse_harness.planner import Planner
from sparse_harness.sass import usage
from sparse_harness.structures import FLOAT16, FLOAT32, HWC8, LINEAR, Convolution

OCCUPANCY = CUDA / "occupancy.json"
DENSITIES = (0.1, 0.344)
# V, type and layout of the representative kernels.
KINDS: Mapping[str, tuple[int, int, int]] = {
    "V 1, FP16 HWC8": (1, FLOAT16, HWC8),
    "V 2, FP32": (2, FLOAT32, LINEAR),
    "V 4, FP16": (4, FLOAT16, LINEAR),
    "V 8, FP32": (8, FLOAT32, LINEAR),
    "V 32, FP16": (32, FLOAT16, LINEAR),
}


@dataclass(frozen=True)
class Launch:
    """A kernel's launch, as far as occupancy goes."""

    kernel: str
    threads: int
    shared_bytes: int


@dataclass(frozen=True)
class Row:
    """A default launch, and what of it is resident.

    Attributes:
        kernel: its name.
        threads: of a block.
        registers: of a thread.
        percent: of an SM's threads that are resident.
        limits: what leaves no room for one block more.
        shared_bytes: of a block, the most of these layers.
        layers: that it is the default of, each density counted.
    """

    kernel: str
    threads: int
    registers: int
    percent: float
    limits: str
    shared_bytes: int = 0
    layers: int = 0


Table = dict[str, dict[str, list[dict[str, object]]]]


def default_launches(planner: Planner, sm: int, kind: str) -> Counter[Launch]:
    """Of all layers and densities; how many have the same."""
    found: Counter[Launch] = Counter()
    for density in DENSITIES:
        for conv in _convolutions(sm, kind, density):
            plan = planner.plan(conv, planner.default_tactic(conv, density))
            found[Launch(plan.kernel.decode(), plan.block, plan.shared_bytes)] += 1
    return found


def recorded() -> Table:
    """By architecture and kind, as JSON has it."""
    found: Table = json.loads(OCCUPANCY.read_text(encoding="utf-8"))
    return found


def recorded_registers(sm: int) -> dict[str, int]:
    """By kernel, of those that a default launch of an architecture needs."""
    return {
        str(row["kernel"]): int(str(row["registers"]))
        for rows in recorded()[f"sm_{sm}"].values()
        for row in rows
    }


def table(planner: Planner, registers: Mapping[int, Mapping[str, int]]) -> Table:
    """Of the planner as it is now.

    Args:
        registers: by capability and kernel.
    """
    return {
        f"sm_{sm}": {
            kind: [asdict(row) for row in _rows(sm, launches, registers[sm])]
            for kind, launches in _by_kind(planner, sm)
        }
        for sm in CAPABILITIES
    }


def as_text(found: Table) -> str:
    """A table of Markdown: of every kind and architecture the lowest and the highest percentage."""
    architectures = list(found)
    lines = [f"| kernel | {' | '.join(architectures)} |", "|---" * (len(architectures) + 1) + "|"]
    for kind in KINDS:
        cells = [_range(found[one].get(kind, [])) for one in architectures]
        lines.append(f"| {kind} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _range(rows: Sequence[Mapping[str, object]]) -> str:
    percents = sorted({float(str(row["percent"])) for row in rows})
    return " to ".join(f"{one:g}" for one in dict.fromkeys([*percents[:1], *percents[-1:]])) or "-"


def _rows(sm: int, launches: Mapping[Launch, int], registers: Mapping[str, int]) -> Sequence[Row]:
    found: dict[Row, Row] = {}
    for launch, count in launches.items():
        used = registers[launch.kernel]
        held = occupancy(sm, used, launch.threads, launch.shared_bytes)
        key = Row(launch.kernel, launch.threads, used, held.percent, ", ".join(held.limits))
        before = found.get(key, key)
        found[key] = replace(
            key,
            shared_bytes=max(before.shared_bytes, launch.shared_bytes),
            layers=before.layers + count,
        )
    return sorted(found.values(), key=str)


def _by_kind(planner: Planner, sm: int) -> Iterator[tuple[str, Counter[Launch]]]:
    for kind, (vector, _, _) in KINDS.items():
        if vector < 32 or sm >= TENSOR_SM:
            yield kind, default_launches(planner, sm, kind)


def _convolutions(sm: int, kind: str, density: float) -> Iterator[Convolution]:
    vector, type_, layout = KINDS[kind]
    for conv in layers(vector=vector, type=type_, layout=layout).values():
        yield with_channel_tile(replace(conv, sm=sm), density)


def _compiled_registers(planner: Planner, sm: int) -> dict[str, int]:
    kernels = {launch.kernel for _, launches in _by_kind(planner, sm) for launch in launches}
    return {name: used.registers for name, used in usage(image(sm, sorted(kernels))).items()}


def _main() -> None:
    planner = Planner(plan_library())
    registers = {sm: _compiled_registers(planner, sm) for sm in CAPABILITIES}
    found = table(planner, registers)
    OCCUPANCY.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(as_text(found))


if __name__ == "__main__":
    _main()
