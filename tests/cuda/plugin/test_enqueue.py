"""The layer that runs, through the emulated kernels, against the reference."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sparse_convs import sparse_convs
from sparse_harness.plugin import Plugin, PluginHarness
from sparse_harness.plugin_structures import FLOAT, HALF, HWC8, LINEAR, descriptions
from sparse_layers import images, small_conv

from edgeprune.device.sparse.node import SparseConv2d
from edgeprune.device.sparse.reference import sparse_conv2d

Array = NDArray[Any]
_TOLERANCES = {FLOAT: 3e-5, HALF: 6e-3}
_SLOWLY = settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
_KINDS = [(FLOAT, LINEAR), (HALF, LINEAR), (HALF, HWC8)]


def _laid_out(array: Array, format_: int) -> Array:
    """As it lies in memory; beyond the last channel of kHWC8 there is rubbish."""
    if format_ == LINEAR:
        return np.ascontiguousarray(array)
    batch, channels, height, width = array.shape
    padded = np.full((batch, height, width, -(-channels // 8) * 8), np.nan, array.dtype)
    padded[..., :channels] = array.transpose(0, 2, 3, 1)
    return padded


def _read_back(memory: Array, shape: tuple[int, ...], format_: int) -> Array:
    return memory if format_ == LINEAR else memory[..., : shape[1]].transpose(0, 3, 1, 2)


def _run(
    attached: Plugin, kind: tuple[int, int], inputs: Array, residual: Array | None, shape: Any
) -> Array:
    """What it computes, having been told the shapes."""
    dtype = np.float16 if kind[0] == HALF else np.float32
    given_ = [one.astype(dtype) for one in (inputs, residual) if one is not None]
    tensors = descriptions([*(one.shape for one in given_), shape], *kind)
    output = _laid_out(np.full(shape, np.nan, dtype), kind[1])
    assert attached.change_shape(tensors)
    assert attached.enqueue(tensors, [_laid_out(one, kind[1]) for one in given_], output) == 0
    return _read_back(output, shape, kind[1])


def _assert_right(
    found: Array, kind: tuple[int, int], conv: SparseConv2d, inputs: Array, residual: Array | None
) -> None:
    """Equal to the reference on what the tensors hold, by the largest sum before the activation."""
    dtype = np.float16 if kind[0] == HALF else np.float32
    held = [
        None if one is None else one.astype(dtype).astype(np.float32) for one in (inputs, residual)
    ]
    weight = replace(conv.weight, val=conv.weight.val.astype(dtype))
    conv = replace(conv, weight=weight)
    wanted = sparse_conv2d(conv, held[0], held[1])
    sums = sparse_conv2d(replace(conv, activation="none"), held[0], held[1])
    assert found.shape == wanted.shape
    error = np.abs(found.astype(np.float64) - wanted).max(initial=0)
    assert error <= _TOLERANCES[kind[0]] * np.abs(sums).max(initial=0)


@_SLOWLY
@given(case=sparse_convs(), kind=st.sampled_from(_KINDS), pick=st.integers(0, 10**6))
def test_equals_the_reference(
    harness: PluginHarness, generation: int, case: Any, kind: tuple[int, int], pick: int
) -> None:
    """Any layer, and one of the tactics that it offers."""
    conv, inputs, residual = case
    if conv.weight.vector == 32 and kind == (FLOAT, LINEAR):
        return
    shape = (len(inputs), conv.weight.shape[0], *conv.out_size(*inputs.shape[2:]))
    shapes = [*(one.shape for one in (inputs, residual) if one is not None), shape]
    plugin = harness.create(generation, conv.as_attributes())
    assert plugin is not None, harness.told
    with plugin:
        assert plugin.configure(descriptions(shapes, *kind))
        tactics = plugin.tactics()
        assert bool(tactics) == (generation == 3)
        assert all(tactic > 0 for tactic in tactics)
        assert len(set(tactics)) == len(tactics)
        with plugin.clone() as built:
            if tactics:
                built.set_tactic(tactics[pick % len(tactics)])
            with built.attached() as attached:
                found = _run(attached, kind, inputs, residual, shape)
    assert harness.told == []
    _assert_right(found, kind, conv, inputs, residual)


@pytest.mark.parametrize("kind", _KINDS)
def test_weights_become_what_the_tensors_are(
    harness: PluginHarness, generation: int, kind: tuple[int, int]
) -> None:
    """Packed as float16 and run in either type, and the other way round."""
    for dtype in (np.float16, np.float32):
        conv = small_conv(dtype)
        inputs, residual = images(conv, 2, 9, 7)
        with harness.create(generation, conv.as_attributes()) as plugin, plugin.attached() as one:
            found = _run(one, kind, inputs, residual, residual.shape)
        _assert_right(found, kind, conv, inputs, residual)


def test_enqueue_allocates_nothing(harness: PluginHarness, generation: int) -> None:
    """So that it can be captured into a graph."""
    conv = small_conv()
    inputs, residual = images(conv, 1, 10, 10)
    tensors = descriptions([inputs.shape, residual.shape, residual.shape])
    with harness.create(generation, conv.as_attributes()) as plugin, plugin.attached() as attached:
        assert attached.change_shape(tensors)
        before = harness.counts
        assert (before.allocations, before.uploads) == (5, 5)
        for _ in range(3):
            assert attached.enqueue(tensors, [inputs, residual], np.empty_like(residual)) == 0
        after = harness.counts
        assert (after.allocations, after.uploads) == (before.allocations, before.uploads)


def test_a_plugin_that_only_builds_holds_nothing(harness: PluginHarness, generation: int) -> None:
    conv = small_conv()
    tensors = descriptions([(1, 12, 8, 8), (1, 16, 8, 8)])
    with harness.create(generation, conv.as_attributes()) as plugin, plugin.clone() as clone:
        assert plugin.configure(tensors)
        assert clone.configure(tensors)
        assert harness.counts.allocations == 0


def test_shapes_change(harness: PluginHarness, generation: int) -> None:
    """Many shapes in one context; those that share their arrays upload them once."""
    conv = small_conv(strides=(2, 1))
    with harness.create(generation, conv.as_attributes()) as plugin, plugin.attached() as attached:
        for batch, height, width in [(1, 9, 9), (3, 9, 9), (2, 5, 31), (1, 9, 9), (1, 40, 3)]:
            inputs, residual = images(conv, batch, height, width)
            found = _run(attached, (FLOAT, LINEAR), inputs, residual, residual.shape)
            _assert_right(found, (FLOAT, LINEAR), conv, inputs, residual)
            if (batch, height) == (3, 9):
                assert harness.counts.allocations == 5
        for width in range(3, 33):
            inputs, residual = images(conv, 1, 4, width)
            _run(attached, (FLOAT, LINEAR), inputs, residual, residual.shape)
        assert harness.counts.live <= 2 + 3 * 8  # segments, offsets and slots of a shape


def test_contexts_do_not_share(harness: PluginHarness, generation: int) -> None:
    conv = small_conv()
    inputs, residual = images(conv, 1, 8, 8)
    with harness.create(generation, conv.as_attributes()) as plugin:
        with plugin.attached() as one, plugin.attached() as other:
            first = _run(one, (FLOAT, LINEAR), inputs, residual, residual.shape)
            one.close()
            second = _run(other, (FLOAT, LINEAR), inputs, residual, residual.shape)
        np.testing.assert_array_equal(first, second)
        assert harness.counts.live == 0


@pytest.mark.parametrize("calls", range(10))
def test_a_device_without_room_is_told(harness: PluginHarness, generation: int, calls: int) -> None:
    """At whatever call it fails, and the next try finds everything in order."""
    conv = small_conv()
    inputs, residual = images(conv, 1, 8, 8)
    tensors = descriptions([inputs.shape, residual.shape, residual.shape])
    output = np.empty_like(residual)
    with harness.create(generation, conv.as_attributes()) as plugin, plugin.attached() as attached:
        harness.fail_after(calls)
        attached.change_shape(tensors)
        assert harness.told[0].startswith("error: SparseConv2d: ")
        assert harness.told[0].endswith(": out of memory")
        assert len(harness.told) == (2 if generation == 3 else 1)
        assert attached.enqueue(tensors, [inputs, residual], output) == 0
        _assert_right(output, (FLOAT, LINEAR), conv, inputs, residual)


@pytest.mark.parametrize(
    ("shapes", "line"),
    [
        ([(1, 11, 8, 8), (1, 16, 8, 8)], "shape (1, 11, 8, 8) where (N, 12, H, W) belongs"),
        ([(1, 12, 8, 8), (1, 16, 8, 9)], "the output has shape (1, 16, 8, 9) where (1, 16, 8, 8)"),
        ([(1, 12, 8, 8), (1, 16, 1, 1), (1, 16, 8, 8)], "the residual has shape (1, 16, 1, 1)"),
        ([(0, 12, 8, 8), (0, 16, 8, 8)], "batch, height and width are at least 1"),
        ([(1, 12, 8), (1, 16, 8)], "shape (1, 12, 8) where (N, 12, H, W) belongs"),
        ([(1, 12, 2**30, 8), (1, 16, 2**30, 8)], "which no kernel serves"),
    ],
)
def test_shapes_that_do_not_belong(
    harness: PluginHarness, generation: int, shapes: Any, line: str
) -> None:
    tensors = descriptions(shapes)
    nowhere = np.empty(1, np.float32)
    plugin = harness.create(generation, small_conv().as_attributes())
    with plugin, plugin.attached() as attached:
        attached.change_shape(tensors)
        harness.forget()
        assert attached.enqueue(tensors, [nowhere] * (len(shapes) - 1), nowhere) != 0
    assert line in harness.told[0]
    assert harness.told[1:] == (
        [harness.told[0].replace("error: ", "recorded: ")] if generation == 3 else []
    )


def test_a_tactic_that_a_shape_does_not_allow_gives_way(harness: PluginHarness) -> None:
    conv = small_conv()
    inputs, residual = images(conv, 1, 8, 8)
    with harness.create(3, conv.as_attributes()) as plugin:
        plugin.set_tactic(2**19)
        with plugin.attached() as attached:
            found = _run(attached, (FLOAT, LINEAR), inputs, residual, residual.shape)
    _assert_right(found, (FLOAT, LINEAR), conv, inputs, residual)


def test_asynchronous_copies_are_offered_where_they_exist(harness: PluginHarness) -> None:
    counts = {}
    for sm in (72, 87):
        harness.set_capability(sm)
        with harness.create(3, small_conv().as_attributes()) as plugin:
            assert plugin.configure(descriptions([(1, 12, 8, 8), (1, 16, 8, 8)]))
            counts[sm] = len(plugin.tactics())
    # Blocks of 1, 2, 4 and 8 warps with either staging; of up to 16 with one.
    assert counts[87] / (2 * 4) == counts[72] / 5 > 0
