"""Figures of the emulation: random cases that are right, and what a layer costs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from sparse_harness.cases import (
    TOLERANCE,
    Case,
    draw_case,
    draw_ticket,
    reference,
    relative_error,
)
from sparse_harness.emulator import EmulationError, Emulator
from sparse_harness.ideal import ideal_sectors
from sparse_harness.networks import with_channel_tile
from sparse_harness.planner import Planner
from sparse_harness.structures import FLOAT16, Convolution

NAMES = ("float32", "float16")


@dataclass(frozen=True)
class CaseFigures:
    """Of random convolutions: how many, what failed, and the largest relative errors."""

    cases: int
    runs: int
    failures: Sequence[str]
    largest_error_float32: float
    largest_error_float16: float


def measure_cases(
    emulator: Emulator,
    first_seed: int,
    cases: int,
    schedules: Sequence[int],
    draw: Callable[[Planner, np.random.Generator], Case] = draw_case,
) -> CaseFigures:
    """Random convolutions, each with every schedule.

    Args:
        draw: makes one that the library has a kernel for.
    """
    worst = [0.0, 0.0]
    failures = []
    for seed in range(first_seed, first_seed + cases):
        case = draw(emulator, np.random.default_rng(seed))
        expected, scale = reference(case)
        for schedule in schedules:
            try:
                y = emulator.run(
                    case.conv, case.tactic, case.operands, schedule=schedule, seed=seed
                )
            except EmulationError as error:
                failures.append(f"case {seed}, schedule {schedule}: {error}")
                continue
            error_ = relative_error(y, expected, scale)
            worst[case.conv.type] = max(worst[case.conv.type], error_)
            if not error_ <= TOLERANCE[case.conv.type]:
                failures.append(f"case {seed}, schedule {schedule}: off by {error_:.2g}")
    return CaseFigures(cases, cases * len(schedules), failures, worst[0], worst[1])


@dataclass(frozen=True)
class LayerFigures:
    """Exact counts of one layer with its default tactic.

    Attributes:
        channel_tile: CT that it was packed with.
        tactic: how it was laid on the device.
        shared_bytes: of a block.
        idle_lanes: share of multiply-adds issued that no output needs.
        bank_conflicts: extra cycles of shared memory, all accesses together.
        input_sectors: of 32 bytes, over the fewest that its blocks could move; so the next two.
        output_sectors: see above.
        weight_sectors: see above; values, offsets and bounds of segments.
        multiply_adds_per_load: of the inner loop, both as instructions of a warp.
    """

    channel_tile: int
    tactic: dict[str, int]
    shared_bytes: int
    idle_lanes: float
    bank_conflicts: int
    input_sectors: float
    output_sectors: float
    weight_sectors: float
    multiply_adds_per_load: float

    def as_json(self) -> dict[str, object]:
        """With few digits."""
        return {k: round(v, 4) if isinstance(v, float) else v for k, v in asdict(self).items()}


def measure_layer(emulator: Emulator, conv: Convolution, density: float) -> LayerFigures:
    """Packs a layer as suits it best and counts one launch; the emulator is a build that counts."""
    conv = with_channel_tile(conv, density)
    tactic = emulator.default_tactic(conv, density)
    operands = draw_ticket(conv, density)
    emulator.run(conv, tactic, operands)
    counts = emulator.counts
    if counts is None or not counts.multiply_adds:
        raise ValueError("this build does not count")
    ideal = ideal_sectors(emulator, conv, tactic, operands.packed)
    outputs = conv.output_size[0] * conv.output_size[1]
    needed = operands.packed.columns * conv.vector * outputs
    weights = sum(counts.sectors[role] for role in ("values", "offsets", "segments"))
    # A multiply-add of float16 is half an instruction when two are in a pair.
    pairs = 2 if conv.type == FLOAT16 else 1
    instructions = counts.multiply_adds_issued / 32 / pairs
    return LayerFigures(
        channel_tile=conv.channel_tile,
        tactic={name: getattr(tactic, name) for name, *_ in tactic._fields_},
        shared_bytes=emulator.plan(conv, tactic).shared_bytes,
        idle_lanes=1 - needed / counts.multiply_adds_issued,
        bank_conflicts=sum(counts.conflicts.values()),
        input_sectors=counts.sectors["input"] / ideal.input,
        output_sectors=counts.sectors["output"] / ideal.output,
        weight_sectors=weights / ideal.weights,
        multiply_adds_per_load=instructions
        * pairs
        / (counts.loads["words"] + counts.loads["columns"]),
    )
