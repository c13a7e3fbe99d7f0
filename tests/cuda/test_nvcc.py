"""nvcc compiles the kernels for the boards, without spills and within their registers."""

from __future__ import annotations

import pytest
from needs import lacking
from sparse_harness.build import CUDA, BuildError
from sparse_harness.nvcc import ARCHITECTURES, budget, nvcc, registers
from sparse_harness.planner import Planner

# Of 65536, by the 768 threads that are half of an SM of sm_87 and sm_110. The tensor cores' kernels
# bring their latency's cover in registers.
HALF_OCCUPANCY, ANY = 80, 128
SOME = ((1, 4, 8, 1), (4, 1, 8, 1), (4, 1, 7, 4), (8, 1, 4, 1))


@pytest.fixture(scope="module")
def compiled() -> dict[str, dict[str, int]]:
    """Registers of some kernels of every kind, as nvcc makes them."""
    if not nvcc():
        lacking("nvcc is not here: the kernels are compiled for no board")
    return registers(SOME)


def test_registers_are_within_their_budget(compiled: dict[str, dict[str, int]]) -> None:
    allowed = budget()
    for architecture, kernels in compiled.items():
        assert sum("direct" in kernel for kernel in kernels) == 12
        over = {k: r for k, r in kernels.items() if r > allowed[architecture][k]}
        assert over == {}


def test_the_budget_leaves_half_of_the_threads_resident(planner: Planner) -> None:
    assert set(budget()) == set(ARCHITECTURES)
    for kernels in budget().values():
        assert set(kernels) == set(planner.kernel_names)
        assert all(
            used <= (HALF_OCCUPANCY if "direct" in kernel else ANY)
            for kernel, used in kernels.items()
        )


def test_spills_are_refused(compiled: dict[str, dict[str, int]]) -> None:
    assert compiled
    with pytest.raises(BuildError, match="spilled"):
        registers([(4, 2, 8, 1)], ["sm_87"], [CUDA / "kernels" / "f32_linear.cu"])
