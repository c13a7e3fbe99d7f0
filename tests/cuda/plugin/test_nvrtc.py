"""Kernels compiled ahead, by the toolkits of the boards."""

from __future__ import annotations

import locale

import pytest
from sparse_harness.build import BuildError
from sparse_harness.nvrtc import TOOLKITS, all_kernels, cubin

_KERNEL = "EDGEPRUNE_DEFINE_KERNEL(8, 1, 4, 1, f32_linear)"


@pytest.mark.slow
@pytest.mark.parametrize("sm", sorted(TOOLKITS))
def test_a_kernel_compiles_under_its_own_name(sm: int) -> None:
    encoding = locale.getpreferredencoding()
    image = cubin(sm, _KERNEL)
    assert locale.getpreferredencoding() == encoding
    assert image[:4] == b"\x7fELF"
    assert b"edgeprune_direct_f32_linear_v8_g1_p4_s1\0" in image


@pytest.mark.slow
def test_tensor_cores_kernels_compile_beside_the_others() -> None:
    image = cubin(87, f"{_KERNEL}\nEDGEPRUNE_DEFINE_VMMA(4, f16_linear)")
    assert b"edgeprune_vmma_f16_linear_v32_p4\0" in image
    assert b"edgeprune_direct_f32_linear_v8_g1_p4_s1\0" in image


def test_boards_before_sm_80_are_spared_what_they_cannot_run() -> None:
    assert [sm for sm in sorted(TOOLKITS) if "VMMA" in all_kernels(sm)] == [87, 110]


@pytest.mark.slow
def test_what_nvrtc_refuses_is_told() -> None:
    with pytest.raises(BuildError, match=r"NVRTC for sm_87: .*no_such_type"):
        cubin(87, "no_such_type x;")
