"""What the boards' toolkits make of the kernels: registers, local memory and inner loops."""

from __future__ import annotations

import pytest
from sparse_harness.figures import measured, recorded
from sparse_harness.images import CAPABILITIES, image
from sparse_harness.nvrtc import TENSOR_SM
from sparse_harness.sass import (
    DISASSEMBLED_SM,
    Line,
    disassembly,
    inner_loop,
    multiplies_per_load,
)

# Of 65536, by the 1024 threads that are half of an SM before sm_80, and by the 768 of sm_87 and
# sm_110.
HALF_OCCUPANCY = {sm: 64 if sm < 80 else 80 for sm in CAPABILITIES}
DISASSEMBLED = [sm for sm in CAPABILITIES if sm >= DISASSEMBLED_SM]


def _loop(*inner: Line) -> list[Line]:
    return [Line("", ".L_x_1"), *inner, Line("BRA", "`(.L_x_1) ;")]


MULTIPLY, LOAD = Line("FFMA", " R1, R2, R3, R1 ;"), Line("LDS.128", " R4, [R5] ;")


@pytest.mark.slow
@pytest.mark.parametrize("sm", CAPABILITIES)
def test_kernels_are_as_recorded_without_spills(sm: int) -> None:
    found = measured(sm)
    assert found == recorded()[f"sm_{sm}"]
    assert sum("direct" in name for name in found) == 4
    assert any("vmma" in name for name in found) == (sm >= TENSOR_SM)
    assert all(figures["registers"] <= HALF_OCCUPANCY[sm] for figures in found.values())


@pytest.mark.slow
@pytest.mark.parametrize("sm", DISASSEMBLED)
def test_kernels_multiply_by_the_instruction_that_is_meant(sm: int) -> None:
    for name, lines in disassembly(image(sm)).items():
        assert not {line.base for line in lines} & {"LDL", "STL"}
        by = "HMMA" if "vmma" in name else "FFMA" if "f32" in name else "HFMA2"
        assert {line.base for line in inner_loop(lines) if line.multiplies} == {by}


def test_the_inner_loop_is_the_innermost_that_multiplies_most() -> None:
    other = [Line("", ".L_x_2"), MULTIPLY, Line("BRA", "`(.L_x_2) ;")]
    nest = [Line("", ".L_x_3"), *_loop(MULTIPLY, MULTIPLY, LOAD), Line("BRA", "`(.L_x_3) ;")]
    loop = inner_loop([MULTIPLY, *other, *nest])
    assert loop == _loop(MULTIPLY, MULTIPLY, LOAD)
    assert multiplies_per_load(loop) == 2.0


def test_a_move_by_the_multiplier_is_no_multiply() -> None:
    assert not Line("HFMA2", " R1, -RZ, RZ, 0, 0 ;").multiplies
    with pytest.raises(ValueError, match="no loop of this kernel multiplies"):
        inner_loop(_loop(LOAD))
