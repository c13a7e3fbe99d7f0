"""Seeded bugs are caught, each by the check that is meant for it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sparse_harness.build import small_emulator_library
from sparse_harness.cases import TOLERANCE, Case, draw_operands, reference, relative_error
from sparse_harness.emulator import EmulationError, Emulator
from sparse_harness.mutants import MUTANTS, Mutant, plant
from sparse_harness.structures import FLOAT16, Convolution, TacticStruct

# Two tiles of pixels, three of channels; ten groups for twice eight warps; weights that end within
# a chunk, and segments that begin anywhere and pass through several chunks.
BASE = Convolution(channels=20, outputs=40, size=(10, 7), channel_tile=8, batch=1)
ALL = [
    (conv, TacticStruct(7, 7, 1, 4, 8, staging))
    for conv in (BASE, replace(BASE, type=FLOAT16))
    for staging in (0, 1)
]


def verdict(emulator: Emulator) -> str:
    """What the first case that fails says; "wrong" where only its numbers do."""
    for conv, tactic in ALL:
        operands, weight = draw_operands(conv, 0.8, np.random.default_rng(0))
        expected, scale = reference(Case(conv, tactic, operands, weight))
        try:
            y = emulator.run(conv, tactic, operands)
        except EmulationError as error:
            return str(error)
        if not relative_error(y, expected, scale) <= TOLERANCE[conv.type]:
            return "wrong"
    return "right"


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_caught(mutant: Mutant, tmp_path: Path) -> None:
    library = small_emulator_library(mutant.build, plant(mutant, tmp_path))
    assert mutant.told in verdict(Emulator(library))


@pytest.mark.parametrize("build", ["plain", "races"])
def test_without_a_bug_nothing_is_caught(build: str, tmp_path: Path) -> None:
    untouched = Mutant(
        "none", "README.md", "# The sparse convolution", "# The sparse convolution", build, "right"
    )
    assert verdict(Emulator(small_emulator_library(build, plant(untouched, tmp_path)))) == "right"
