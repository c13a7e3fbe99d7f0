"""Real engines: what is built, and what is said of what cannot be."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import onnx
import pytest
import torch
from onnx import TensorProto, helper
from short_nets import mobilenet_v3, resnet
from torch import nn

from edgeprune.device.errors import DeviceError, DeviceUnsupportedError
from edgeprune.device.tensorrt.bindings import Bindings, load_bindings
from edgeprune.device.tensorrt.build import build_plan
from edgeprune.device.tensorrt.engine import LoadedEngine
from edgeprune.device.tensorrt.plan import why_not_built
from edgeprune.device.tensorrt.settings import BatchProfile, EngineSettingError, EngineSettings
from edgeprune.export.onnx import export_onnx
from edgeprune.models.registry import build_model

SM86 = EngineSettings(sm="86")


@pytest.mark.parametrize("sm", ["80", "86", "89", "120"])
def test_engines_are_built_for_gpus_that_are_not_here(rtx: Bindings, model: Path, sm: str) -> None:
    plan = build_plan(model, rtx, EngineSettings(sm=sm, batch=BatchProfile(1, 4, 16)))
    weights = sum(p.numel() for p in build_model("wrn_10_1", num_classes=10).parameters())
    assert len(plan.data) > 4 * weights / 2
    assert plan.layers > 10
    assert plan.seconds > 0


@pytest.mark.parametrize(
    ("make", "target"),
    [
        (resnet, "jetson-xavier"),
        (resnet, "jetson-orin"),
        (resnet, "jetson-thor"),
        (mobilenet_v3, "jetson-xavier"),
    ],
)
def test_the_graphs_of_every_board_build(
    rtx: Bindings, tmp_path: Path, make: Callable[[], nn.Module], target: str
) -> None:
    path = tmp_path / "m.onnx"
    export_onnx(make().eval(), torch.randn(2, 3, 64, 64), path, target=target)
    convolutions = sum(node.op_type == "Conv" for node in onnx.load(path).graph.node)
    assert build_plan(path, rtx, SM86).layers > convolutions > 10


def _single(node: onnx.NodeProto, path: Path, shape: list[int | str]) -> Path:
    values = [helper.make_tensor_value_info(n, TensorProto.FLOAT, shape) for n in ("x", "y")]
    graph = helper.make_graph([node], "g", values[:1], values[1:])
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 20), helper.make_opsetid("own", 1)]
    )
    model.ir_version = 9
    path.write_bytes(model.SerializeToString())
    return path


def test_an_unknown_operator_is_named(rtx: Bindings, tmp_path: Path) -> None:
    node = helper.make_node("Twirl", ["x"], ["y"], name="stage1/twirl", domain="own")
    path = _single(node, tmp_path / "m.onnx", ["batch", 3])
    with pytest.raises(DeviceUnsupportedError, match=r"cannot read node 'stage1/twirl' .*Twirl"):
        build_plan(path, rtx, SM86)


def test_free_axes_are_named(rtx: Bindings, tmp_path: Path) -> None:
    path = _single(
        helper.make_node("Relu", ["x"], ["y"]), tmp_path / "m.onnx", ["batch", 3, "side"]
    )
    with pytest.raises(DeviceUnsupportedError, match="input 'x' has free axes besides the batch"):
        build_plan(path, rtx, SM86)


@pytest.mark.parametrize("content", [b"", b"x\n", b"\x00" * 64])
def test_a_file_that_is_no_model_is_one_line(rtx: Bindings, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(content)
    with pytest.raises(DeviceError, match=r"m\.onnx: is no ONNX model") as told:
        build_plan(path, rtx, SM86)
    assert told.value.exit_code == 2


def test_a_capability_that_is_not_there_is_refused(rtx: Bindings, model: Path) -> None:
    with pytest.raises(EngineSettingError, match=r"--sm 87: TensorRT-RTX .* builds for .*86"):
        build_plan(model, rtx, EngineSettings(sm="87"))


def test_a_plugin_that_does_not_load_is_named(rtx: Bindings, model: Path) -> None:
    with pytest.raises(DeviceUnsupportedError, match=r"--plugin .*wrn\.onnx"):
        build_plan(model, rtx, EngineSettings(sm="86", plugins=(str(model),)))


@pytest.mark.parametrize("sizes", [(0, 1, 1), (2, 1, 4), (1, 8, 4)])
def test_batches_ascend(sizes: tuple[int, int, int]) -> None:
    with pytest.raises(EngineSettingError, match="ascending"):
        BatchProfile(*sizes)


def test_without_a_gpu_tensorrt_does_not_start(rtx: Bindings, model: Path) -> None:
    """The real bindings of 8.6 to 11.4 make a TypeError of the null pointer they get then."""

    def refuse(log: object) -> None:
        log.log(rtx.module.ILogger.ERROR, "CUDA initialization failure with error: 35")
        raise TypeError("pybind11::init(): factory function returned nullptr")

    module = SimpleNamespace(ILogger=rtx.module.ILogger, Builder=refuse, Runtime=refuse)
    bindings = Bindings("tensorrt", module, "10.3.0")
    text = r"10\.3\.0 does not start; it needs an NVIDIA GPU .*error: 35"
    with pytest.raises(DeviceUnsupportedError, match=text) as told:
        build_plan(model, bindings, EngineSettings())
    assert told.value.exit_code == 5
    with pytest.raises(DeviceUnsupportedError, match=text):
        LoadedEngine(model, bindings)


def test_the_real_runtime_without_a_driver_says_there_is_no_gpu(rtx: Bindings, model: Path) -> None:
    if Path("/proc/driver/nvidia/version").exists():
        pytest.skip("there is a driver here")
    engine = model.with_suffix(".engine")
    engine.write_bytes(build_plan(model, rtx, SM86).data)
    with pytest.raises(DeviceUnsupportedError, match=r"no GPU answers .*cudaError 35") as told:
        LoadedEngine(engine, rtx)
    assert told.value.exit_code == 5


@pytest.mark.parametrize(
    ("errors", "text"),
    [
        (["Requested amount of GPU memory (1024 bytes)\ncould not be allocated"],
         "m.onnx: X cannot build it: Requested .* allocated; end other programs"),
        (["out of memory"], "; end other programs, add swap or lower the workspace$"),
        ([], "it gave no reason; memory may have run out; end other programs"),
        (["Could not find any implementation for node conv1"], "for node conv1$"),
    ],
)  # fmt: skip
def test_builds_that_fail_say_what_to_do(errors: list[str], text: str) -> None:
    line = why_not_built(Path("m.onnx"), "X", errors)
    assert re.search(text, line)
    assert "\n" not in line


def test_an_unknown_backend_is_refused() -> None:
    with pytest.raises(DeviceError, match="use tensorrt or tensorrt-rtx"):
        load_bindings("openvino")
