"""Types and formats of tensors, and the sizes of the output."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sparse_convs import sparse_convs
from sparse_harness.plugin import PluginHarness
from sparse_harness.plugin_structures import CHW2, FLOAT, HALF, HWC8, INT8, LINEAR, descriptions
from sparse_layers import small_conv

_X, _Y = (2, 12, 9, 9), (2, 16, 9, 9)
_SERVED = {(FLOAT, LINEAR), (HALF, LINEAR), (HALF, HWC8)}
_KINDS = list(itertools.product((FLOAT, HALF, INT8), (LINEAR, CHW2, HWC8)))


@pytest.mark.parametrize("residual", [False, True])
def test_every_combination(harness: PluginHarness, generation: int, residual: bool) -> None:
    """The first tensor is of a kind that kernels serve, and the others are of the same."""
    plugin = harness.create(generation, small_conv().as_attributes())
    assert plugin is not None
    shapes = [_X, _Y, _Y] if residual else [_X, _Y]
    for first, other in itertools.product(_KINDS, _KINDS):
        tensors = descriptions(shapes, *first)
        assert plugin.supports(0, tensors) == (first in _SERVED)
        if first not in _SERVED:
            continue
        last = len(shapes) - 1
        for position in range(1, last + 1):
            tensors[position].type, tensors[position].format = other
            assert plugin.supports(position, tensors) == (first == other)
            tensors[position].type, tensors[position].format = first
    plugin.close()


def test_three_inputs_are_none_of_its(harness: PluginHarness, generation: int) -> None:
    plugin = harness.create(generation, small_conv().as_attributes())
    assert plugin is not None
    assert not plugin.supports(0, descriptions([_X, _Y, _Y, _Y]))
    plugin.close()


def test_weights_beyond_float16_are_not_computed_in_it(
    harness: PluginHarness, generation: int
) -> None:
    attributes = small_conv().as_attributes()
    attributes["val"] = attributes["val"].copy()
    attributes["val"][0] = 70000.0
    plugin = harness.create(generation, attributes)
    assert plugin is not None
    assert plugin.supports(0, descriptions([_X, _Y], FLOAT))
    assert not plugin.supports(0, descriptions([_X, _Y], HALF))
    plugin.close()


@pytest.mark.parametrize("type_", [FLOAT, HALF])
def test_output_is_of_the_input_s_type(harness: PluginHarness, generation: int, type_: int) -> None:
    plugin = harness.create(generation, small_conv().as_attributes())
    assert plugin is not None
    assert plugin.output_type(type_) == type_
    plugin.close()


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(case=sparse_convs(), batch=st.integers(1, 64))
def test_output_sizes_follow_open_sizes(
    harness: PluginHarness, generation: int, case: tuple, batch: int
) -> None:
    conv, inputs, _ = case
    if conv.weight.vector == 32:
        return
    plugin = harness.create(generation, conv.as_attributes())
    assert plugin is not None
    sizes = (batch, *inputs.shape[1:])
    wanted = (batch, conv.weight.shape[0], *conv.out_size(*inputs.shape[2:]))
    assert plugin.output_sizes(sizes) == wanted
    plugin.close()


def test_input_of_three_sizes_is_refused(harness: PluginHarness, generation: int) -> None:
    plugin = harness.create(generation, small_conv().as_attributes())
    assert plugin is not None
    plugin.output_sizes((12, 9, 9))
    assert harness.told == ["error: SparseConv2d: the input has 3 sizes where (N, C, H, W) belong"]
    plugin.close()
