"""VCSR holds what was packed, in the order that the kernels walk."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeprune.device.sparse import Vcsr, VcsrError, pack
from edgeprune.device.sparse.vcsr import VECTOR_LENGTHS


@st.composite
def cases(draw: st.DrawFn) -> tuple[np.ndarray, dict[str, int]]:
    """A sparse weight, and how to pack it."""
    conv_groups = draw(st.integers(1, 3))
    shape = (conv_groups * draw(st.integers(1, 11)), draw(st.integers(1, 9)),
             draw(st.integers(1, 3)), draw(st.integers(1, 3)))  # fmt: skip
    rng = np.random.default_rng(draw(st.integers(0, 2**31)))
    dtype = draw(st.sampled_from([np.float32, np.float16]))
    weight = rng.standard_normal(shape).astype(dtype)
    weight[rng.random(shape) >= draw(st.sampled_from([0.0, 0.1, 0.5, 1.0]))] = 0
    how = {
        "vector": draw(st.sampled_from(VECTOR_LENGTHS)),
        "channel_tile": draw(st.integers(1, 10)),
        "conv_groups": conv_groups,
    }
    return weight, how


def by_hand(packed: Vcsr) -> np.ndarray:
    """The dense weight, walked as a kernel does: group by group, tile by tile."""
    outputs, inputs, height, width = packed.shape
    dense = np.zeros(packed.shape, dtype=packed.val.dtype)
    each = outputs // packed.conv_groups
    rows = -(-each // packed.vector)
    for place, group in enumerate(packed.perm):
        base = group // rows * each + group % rows * packed.vector
        end = group // rows * each + each
        for tile in range(packed.tiles):
            segment = place * packed.tiles + tile
            for column in range(packed.seg[segment], packed.seg[segment + 1]):
                rest, kw = divmod(int(packed.off[column]), width)
                channel, kh = divmod(rest, height)
                channel += tile * packed.channel_tile
                for lane in range(packed.vector):
                    if base + lane < end:
                        dense[base + lane, channel, kh, kw] = packed.val[column, lane]
                    else:
                        assert packed.val[column, lane] == 0
    assert inputs == dense.shape[1]
    return dense


@given(cases())
def test_nothing_is_lost(case: tuple[np.ndarray, dict[str, int]]) -> None:
    weight, how = case
    packed = pack(weight, **how)
    assert np.array_equal(packed.unpacked(), weight)
    assert np.array_equal(by_hand(packed), weight)


@given(cases())
def test_the_arrays_are_as_specified(case: tuple[np.ndarray, dict[str, int]]) -> None:
    weight, how = case
    packed = pack(weight, **how)
    groups = len(packed.perm)
    assert (packed.seg.dtype, packed.off.dtype) == (np.int32, np.uint16)
    assert packed.val.dtype == weight.dtype
    assert packed.val.shape == (packed.columns, how["vector"])
    assert len(packed.seg) == groups * packed.tiles + 1
    assert (np.diff(packed.seg) >= 0).all()
    assert packed.seg[-1] == packed.columns
    assert sorted(packed.perm) == list(range(groups))
    sizes = np.diff(packed.seg[:: packed.tiles])
    assert (np.diff(sizes) <= 0).all()
    area = weight.shape[2] * weight.shape[3]
    assert (packed.off < how["channel_tile"] * area).all()
    assert (packed.val != 0).any(axis=1).all()


def test_one_channel_per_group_stores_every_weight_once() -> None:
    weight = np.random.default_rng(0).standard_normal((8, 6, 3, 3)).astype(np.float32)
    weight[np.random.default_rng(1).random(weight.shape) < 0.9] = 0
    packed = pack(weight, vector=1, channel_tile=4)
    assert packed.columns == np.count_nonzero(weight)
    assert packed.bytes < 0.3 * weight.nbytes


@pytest.mark.parametrize(
    ("shape", "how", "said"),
    [
        ((4, 3, 3), {"vector": 1, "channel_tile": 4}, "holds (O, C, KH, KW)"),
        ((4, 3, 3, 3), {"vector": 3, "channel_tile": 4}, "use 1, 2, 4, 8, 32"),
        ((4, 3, 3, 3), {"vector": 1, "channel_tile": 0}, "use 1 to 7281"),
        ((4, 3, 3, 3), {"vector": 1, "channel_tile": 7282}, "fit into 16 bits"),
        ((4, 3, 3, 3), {"vector": 1, "channel_tile": 4, "conv_groups": 3}, "do not make 3 groups"),
    ],
)
def test_what_does_not_fit_is_told(shape: tuple[int, ...], how: dict[str, int], said: str) -> None:
    with pytest.raises(VcsrError) as told:
        pack(np.zeros(shape, dtype=np.float32), **how)
    assert said in str(told.value)


def test_weights_that_are_not_numbers_are_told() -> None:
    weight = np.zeros((4, 3, 3, 3), dtype=np.float32)
    weight[0, 0, 0, 0] = np.nan
    with pytest.raises(VcsrError, match="not finite"):
        pack(weight, vector=1, channel_tile=4)
    with pytest.raises(VcsrError, match="float32 or float16"):
        pack(weight.astype(np.float64), vector=1, channel_tile=4)
