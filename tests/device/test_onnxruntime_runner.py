from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from edgeprune.device.errors import DeviceError
from edgeprune.device.runners.onnxruntime import OnnxRuntimeRunner


@pytest.fixture
def doubler(tmp_path: Path) -> Path:
    """A model whose output is twice its input, any batch of 3 values."""
    info = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", 3])
        for name in ("input", "output")
    ]
    graph = helper.make_graph(
        [helper.make_node("Add", ["input", "input"], ["output"])], "g", info[:1], info[1:]
    )
    path = tmp_path / "doubler.onnx"
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.save(model, path)
    return path


@pytest.mark.parametrize("batch", [1, 2, 7])
def test_runs_any_batch(doubler: Path, batch: int) -> None:
    values = np.random.default_rng(0).normal(size=(batch, 3)).astype(np.float32)
    with OnnxRuntimeRunner(doubler, threads=1) as runner:
        assert (runner.input_names, runner.output_names) == (("input",), ("output",))
        outputs = runner.infer({"input": values})
    np.testing.assert_array_equal(outputs["output"], 2 * values)


def test_infer_outside_of_the_context_is_refused(doubler: Path) -> None:
    runner = OnnxRuntimeRunner(doubler)
    with pytest.raises(DeviceError, match="not active"):
        runner.infer({"input": np.zeros((1, 3), np.float32)})
    with runner:
        assert runner.active
    with pytest.raises(DeviceError, match="not active"):
        runner.infer({"input": np.zeros((1, 3), np.float32)})


def test_deactivates_when_the_body_fails(doubler: Path) -> None:
    runner = OnnxRuntimeRunner(doubler)
    with pytest.raises(KeyError), runner:
        raise KeyError
    assert not runner.active


@pytest.mark.parametrize(
    "feed",
    [
        {},
        {"other": np.zeros((1, 3), np.float32)},
        {"input": np.zeros((1, 4), np.float32)},
        {"input": np.zeros((1, 3), np.float64)},
        {"input": "text"},
    ],
    ids=["nothing", "wrong name", "wrong shape", "wrong type", "no array"],
)
def test_wrong_inputs_are_one_line(doubler: Path, feed: dict[str, np.ndarray]) -> None:
    with OnnxRuntimeRunner(doubler) as runner, pytest.raises(DeviceError) as caught:
        runner.infer(feed)
    assert str(doubler) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_and_damaged_files_are_one_line(doubler: Path, tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="no such file"):
        OnnxRuntimeRunner(tmp_path / "absent.onnx").activate()
    doubler.write_bytes(doubler.read_bytes()[:-9])
    with pytest.raises(DeviceError, match="cannot load") as caught:
        OnnxRuntimeRunner(doubler).activate()
    assert "\n" not in str(caught.value)


def test_thread_count_is_checked() -> None:
    with pytest.raises(DeviceError, match="threads = 0"):
        OnnxRuntimeRunner("m.onnx", threads=0)
