"""Layers' times as trtexec tells them, in the form that its source writes."""

from __future__ import annotations

import base64
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper
from standin_trtexec import arguments, write_trtexec

from edgeprune.device.errors import DeviceError
from edgeprune.device.race.race import ProfiledLayer
from edgeprune.device.tensorrt.trtexec import find_trtexec
from edgeprune.device.tensorrt.trtexec_profile import profile_engine
from edgeprune.device.tensorrt.trtexec_run import TrtexecEngine

_TOLD = r"""
import base64
if "--loadEngine" in options:
    Path(options["--exportProfile"]).write_text(base64.b64decode("{profile}").decode())
    Path(options["--exportLayerInfo"]).write_text(base64.b64decode("{layers}").decode())
    sys.exit(0)
"""
_PROFILE = """[
  { "count" : 12 }
, {  "name" : "node_conv + node_relu", "timeMs" : 2.5, "averageMs" : 0.625, %s"percentage" : 50 }
, {  "name" : "__myl_1", "timeMs" : 1.5, "averageMs" : 0.375, "percentage" : 30 }
, {  "name" : "Reformatting CopyNode", "timeMs" : 1.0, "averageMs" : 0.25, "percentage" : 20 }
]
"""
# Control characters stand between the origins of a layer.
_LAYERS = (
    '{"Layers": ["a name alone", {"Name": "__myl_1", "Metadata": '
    '"[ONNX Layer: node_a]\x1f[ONNX Layer: node_b]"}], "Bindings": []}'
)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A graph with the nodes that the layers are made of."""
    values = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["batch", 3]) for n in "xy"]
    conv = helper.make_node("MatMul", ["x", "block.conv.weight"], ["c"], name="node_conv")
    rest = [helper.make_node("Relu", ["c"], ["y"], name=name) for name in
            ("node_relu", "node_a", "node_b")]  # fmt: skip
    onnx.save(helper.make_model(helper.make_graph([conv, *rest], "g", *[[v] for v in values])),
              tmp_path / "m.onnx")  # fmt: skip
    return tmp_path / "m.onnx"


def _profile(model: Path, profile: str, layers: str) -> tuple[ProfiledLayer, ...]:
    told = {
        "profile": base64.b64encode(profile.encode()).decode(),
        "layers": base64.b64encode(layers.encode()).decode(),
    }
    program = write_trtexec(model.parent, body=_TOLD.format(**told))
    found = find_trtexec(str(program))
    assert found is not None
    engine = TrtexecEngine(found, model.with_suffix(".engine"), {"x": (1, 3)}, ["plugin.so"])
    return profile_engine(engine, model, 0.1, None)


@pytest.mark.parametrize(("median", "ms"), [('"medianMs" : 0.5, ', 0.5), ("", 0.625)])
def test_layers_have_times_and_parts(model: Path, median: str, ms: float) -> None:
    assert _profile(model, _PROFILE % median, _LAYERS) == (
        ProfiledLayer("node_conv + node_relu", ms, ("block.conv", "node_relu")),
        ProfiledLayer("__myl_1", 0.375, ("node_a", "node_b")),
        ProfiledLayer("Reformatting CopyNode", 0.25, ()),
    )
    given = arguments(model.parent / "trtexec")
    assert "--useCudaGraph" not in given
    assert any(word.startswith("--staticPlugins=") for word in given)


@pytest.mark.parametrize(("profile", "layers"), [
    ("", _LAYERS), ('[{"count": 1}]', _LAYERS), (_PROFILE % "", "[]"), ("[3]", _LAYERS),
])  # fmt: skip
def test_what_it_does_not_tell_is_one_line(model: Path, profile: str, layers: str) -> None:
    with pytest.raises(DeviceError, match="did not tell its layers' times"):
        _profile(model, profile, layers)
