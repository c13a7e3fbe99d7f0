"""Seeded bugs of the kernel for tensor cores are caught, each by the check meant for it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sparse_harness.build import small_vmma_library
from sparse_harness.cases import TOLERANCE, Case, draw_operands, reference, relative_error
from sparse_harness.emulator import EmulationError, Emulator
from sparse_harness.mutants import Mutant, plant
from sparse_harness.structures import FLOAT16, HWC8, Convolution, TacticStruct
from sparse_harness.vmma_mutants import VMMA_MUTANTS

# Two tiles of pixels, three of channels; three groups for twice two pairs of warps; columns beside
# the tile, and steps that are not full.
LINEAR_CASE = Convolution(
    channels=20, outputs=70, size=(10, 13), type=FLOAT16, vector=32, channel_tile=8
)
ALL = [
    (conv, TacticStruct(13, rows, 1, 1, 4, staging))
    for conv in (LINEAR_CASE, replace(LINEAR_CASE, layout=HWC8))
    for rows, staging in ((7, 0), (4, 1))
]


def verdict(emulator: Emulator) -> str:
    """What the first case that fails says; "wrong" where only its numbers do."""
    for conv, tactic in ALL:
        operands, weight = draw_operands(conv, 0.5, np.random.default_rng(0))
        expected, scale = reference(Case(conv, tactic, operands, weight))
        try:
            y = emulator.run(conv, tactic, operands)
        except EmulationError as error:
            return str(error)
        if not relative_error(y, expected, scale) <= TOLERANCE[conv.type]:
            return "wrong"
    return "right"


@pytest.mark.parametrize("mutant", VMMA_MUTANTS, ids=lambda mutant: mutant.name)
def test_caught(mutant: Mutant, tmp_path: Path) -> None:
    library = small_vmma_library(mutant.build, plant(mutant, tmp_path))
    assert mutant.told in verdict(Emulator(library))


def test_without_a_bug_nothing_is_caught(vmma: Emulator, vmma_races: Emulator) -> None:
    assert verdict(vmma) == "right"
    assert verdict(vmma_races) == "right"
