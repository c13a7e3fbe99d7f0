"""Rounding to FP16 by arithmetic in FP32 is numpy's conversion, bit for bit."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from edgeprune.export.precision.emulate import emulated
from edgeprune.export.precision.sessions import running


@pytest.fixture(scope="module")
def there_and_back() -> onnx.ModelProto:
    """FP32 to FP16, an addition of 0 there, and back."""
    zero = numpy_helper.from_array(np.zeros(1, dtype=np.float16), "zero")
    nodes = [
        helper.make_node("Cast", ["x"], ["half"], to=TensorProto.FLOAT16),
        helper.make_node("Add", ["half", "zero"], ["sum"]),
        helper.make_node("Cast", ["sum"], ["y"], to=TensorProto.FLOAT),
    ]
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["n"]) for n in ("x", "y")]
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], [zero])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)


BORDERS = [0.0, 65504.0, 65519.99, 65520.0, 7e4, 1e30, 2.0**-14, 2.0**-24, 2.0**-25, 1e-30,
           2.0**-14 * (1 - 2.0**-12), 1.0 + 2.0**-11, 1.0 + 3 * 2.0**-11, np.inf]  # fmt: skip


@given(
    st.lists(
        st.floats(-7e4, 7e4, width=32) | st.floats(-(2.0**-10), 2.0**-10, width=32), max_size=50
    )
)
def test_every_number(there_and_back: onnx.ModelProto, drawn: list[float]) -> None:
    numbers = np.array([*drawn, *BORDERS, *(-b for b in BORDERS)], dtype=np.float32)
    with np.errstate(over="ignore"):
        expected = numbers.astype(np.float16).astype(np.float32)
    with running(emulated(there_and_back)) as runner:
        assert np.array_equal(runner.infer({"x": numbers})["y"], expected)


def test_the_reference_says_the_same(there_and_back: onnx.ModelProto) -> None:
    numbers = np.random.default_rng(0).standard_normal(1000).astype(np.float32) * 100
    (expected,) = ReferenceEvaluator(there_and_back).run(None, {"x": numbers})
    with running(emulated(there_and_back)) as runner:
        assert np.array_equal(runner.infer({"x": numbers})["y"], expected)
