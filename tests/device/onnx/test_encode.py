"""What is written is what protobuf's own library reads."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import helper, numpy_helper

from edgeprune.device.onnx.attributes import attributes_of
from edgeprune.device.onnx.encode import bytes_field, number_field, text_field, without
from edgeprune.device.onnx.protobuf import DamagedMessageError

_INT64 = st.integers(-(2**63), 2**63 - 1)


@given(st.text(), _INT64, st.binary(max_size=300))
def test_fields_are_read_back(text: str, number: int, content: bytes) -> None:
    opset = onnx.OperatorSetIdProto.FromString(text_field(1, text) + number_field(2, number))
    assert (opset.domain, opset.version) == (text, number)
    tensor = onnx.TensorProto.FromString(bytes_field(9, content))
    assert tensor.raw_data == content


def test_fields_are_left_out() -> None:
    node = helper.make_node("Conv", ["a", "b"], ["c"], name="n", domain="d", group=2)
    node.metadata_props.add(key="k", value="v")
    message = memoryview(node.SerializeToString())
    left = onnx.NodeProto.FromString(without(message, frozenset({1, 4, 5})))
    assert (list(left.input), left.op_type, len(left.attribute)) == ([], "", 0)
    assert (list(left.output), left.name, left.domain) == (["c"], "n", "d")
    assert left.metadata_props[0].value == "v"
    assert without(message, frozenset()) == message


@given(_INT64, st.floats(width=32, allow_nan=False), st.text(), st.lists(_INT64, min_size=1))
def test_attributes_are_read(number: int, real: float, text: str, numbers: list[int]) -> None:
    node = helper.make_node("Op", [], [], i=number, f=real, s=text, ints=numbers, names=["a", "b"])
    found = attributes_of(memoryview(node.SerializeToString()))
    assert found == {"i": number, "f": real, "s": text, "ints": numbers}


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.int16, np.int32, np.int64])
def test_tensors_are_read(dtype: type) -> None:
    array = np.arange(-6, 6).astype(dtype).reshape(3, 4)
    node = helper.make_node("Op", [], [], t=numpy_helper.from_array(array, "t"))
    found = attributes_of(memoryview(node.SerializeToString()))["t"]
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, array)
    assert found.flags.writeable
    assert found.flags.aligned


def test_integers_of_one_field_are_read() -> None:
    attribute = text_field(1, "ints") + bytes_field(8, b"\x01\xac\x02") + number_field(8, 5)
    assert attributes_of(memoryview(bytes_field(5, attribute))) == {"ints": [1, 300, 5]}


def test_tensors_that_are_not_whole_are_told() -> None:
    tensor = numpy_helper.from_array(np.zeros(4, np.float32), "t")
    tensor.raw_data = tensor.raw_data[:-1]
    node = helper.make_node("Op", [], [], t=tensor)
    with pytest.raises(DamagedMessageError, match="not whole"):
        attributes_of(memoryview(node.SerializeToString()))
    tensor.data_type = onnx.TensorProto.STRING
    node = helper.make_node("Op", [], [], t=tensor)
    with pytest.raises(DamagedMessageError, match="of type 8"):
        attributes_of(memoryview(node.SerializeToString()))
