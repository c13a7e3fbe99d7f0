"""What an engine keeps of a plugin."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sparse_convs import sparse_convs
from sparse_harness.plugin import PluginHarness
from sparse_harness.plugin_structures import descriptions
from sparse_layers import images, small_conv

_CONVS = {
    "all fields": small_conv(activation="clip", clip_low=-0.5, clip_high=0.75),
    "float16": small_conv(np.float16, strides=(2, 1), dilations=(1, 2)),
}
_SLOWLY = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@_SLOWLY
@given(case=sparse_convs())
def test_restored_is_identical(harness: PluginHarness, generation: int, case: tuple) -> None:
    conv = case[0]
    if conv.weight.vector == 32:
        return
    plugin = harness.create(generation, conv.as_attributes())
    assert plugin is not None
    with plugin, plugin.restored() as again, plugin.clone() as clone:
        assert again.serialised() == plugin.serialised()
        assert clone.serialised() == plugin.serialised()


@pytest.mark.parametrize("conv", _CONVS.values(), ids=_CONVS)
def test_restored_computes_the_same(harness: PluginHarness, generation: int, conv: object) -> None:
    inputs, residual = images(conv, 1, 8, 8)
    tensors = descriptions([inputs.shape, residual.shape, residual.shape])
    results = []
    plugin = harness.create(generation, conv.as_attributes())
    with plugin, plugin.restored() as again:
        for one in (plugin, again):
            with one.attached() as attached:
                assert attached.change_shape(tensors)
                output = np.full_like(residual, np.nan)
                assert attached.enqueue(tensors, [inputs, residual], output) == 0
                results.append(output)
    np.testing.assert_array_equal(results[0], results[1])


def test_bytes_that_are_cut_off(harness: PluginHarness) -> None:
    with harness.create(2, small_conv().as_attributes()) as plugin:
        whole = plugin.serialised()
    for length in range(len(whole)):
        harness.forget()
        assert harness.deserialise(whole[:length]) is None
        assert len(harness.told) == 1
    assert harness.deserialise(whole + b"\0") is None


def test_bytes_of_another_version(harness: PluginHarness) -> None:
    with harness.create(2, small_conv().as_attributes()) as plugin:
        whole = plugin.serialised()
    assert harness.deserialise(whole[:4] + b"\2" + whole[5:]) is None
    assert "another version's; build the engine again" in harness.told[0]


@_SLOWLY
@given(position=st.integers(0, 10**6), flip=st.integers(1, 255))
def test_damaged_bytes_are_taken_or_refused(
    harness: PluginHarness, position: int, flip: int
) -> None:
    harness.forget()
    with harness.create(2, small_conv().as_attributes()) as plugin:
        damaged = bytearray(plugin.serialised())
    damaged[position % len(damaged)] ^= flip
    again = harness.deserialise(bytes(damaged))
    if again is None:
        assert len(harness.told) == 1
    else:
        again.close()
