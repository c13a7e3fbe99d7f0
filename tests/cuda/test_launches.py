"""The cost model knows the kernels that are compiled, and no others."""

from __future__ import annotations

import re
from pathlib import Path

from edgeprune.device.sparse.formats import HWC8, LINEAR, sparse_formats
from edgeprune.device.sparse.launches import COMPILED_KERNELS, LAUNCHES, TENSOR_KERNEL, TENSOR_ROWS

_CUDA = Path(__file__).parents[2] / "cuda"
_TEXT = (_CUDA / "plan" / "instantiations.h").read_text()


def test_launches_are_those_that_are_compiled() -> None:
    compiled = {
        tuple(map(int, row))
        for row in re.findall(r"X\((\d+), (\d+), (\d+), (\d+), __VA_ARGS__\)", _TEXT)
    }
    known = {
        (one.vector, one.groups_per_warp, one.pixels_per_lane, one.lane_split) for one in LAUNCHES
    }
    assert known == compiled
    assert len(known) == len(LAUNCHES) > 10


def test_rows_of_the_tensor_core_kernel_are_those_that_are_compiled() -> None:
    text = (_CUDA / "plan" / "vmma_instantiations.h").read_text()
    compiled = tuple(map(int, re.findall(r"X\((\d+), __VA_ARGS__\)", text)))
    assert compiled == TENSOR_ROWS
    assert TENSOR_KERNEL in COMPILED_KERNELS


def test_layouts_are_those_that_are_compiled() -> None:
    kinds = set(re.findall(r"EDGEPRUNE_DIRECT_SHAPES\(X, (\w+)\)", _TEXT))
    assert kinds == {"f32_linear", "f16_linear", "f16_hwc8"}
    assert set(sparse_formats("fp16")) == {LINEAR, HWC8}
    assert sparse_formats("fp32") == (LINEAR,)
