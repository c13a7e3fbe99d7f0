"""Kernels compiled ahead, by the toolkits of the boards."""

from __future__ import annotations

import pytest
from sparse_harness.build import BuildError
from sparse_harness.nvrtc import TOOLKITS, cubin

_KERNEL = "EDGEPRUNE_DEFINE_KERNEL(8, 1, 4, 1, f32_linear)"


@pytest.mark.slow
@pytest.mark.parametrize("sm", sorted(TOOLKITS))
def test_a_kernel_compiles_under_its_own_name(sm: int) -> None:
    image = cubin(sm, _KERNEL)
    assert image[:4] == b"\x7fELF"
    assert b"edgeprune_direct_f32_linear_v8_g1_p4_s1\0" in image


@pytest.mark.slow
def test_what_nvrtc_refuses_is_told() -> None:
    with pytest.raises(BuildError, match=r"NVRTC for sm_87: .*no_such_type"):
        cubin(87, "no_such_type x;")
