"""Building with trtexec: its command by version, its failures, and the engine file around it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import onnx
import pytest
from onnx import TensorProto, helper
from standin_trtexec import arguments, write_trtexec

from edgeprune.device.errors import DeviceError, DeviceUnsupportedError
from edgeprune.device.tensorrt import bindings, builder
from edgeprune.device.tensorrt.builder import load_builder
from edgeprune.device.tensorrt.engine_file import EngineFile, ensure_engine
from edgeprune.device.tensorrt.settings import (
    BatchProfile,
    BuildAids,
    EngineSettingError,
    EngineSettings,
)
from edgeprune.device.tensorrt.trtexec import find_trtexec, read_version


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A graph with an open batch and a fixed input, written for FP16."""
    values = [
        helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 3]),
        helper.make_tensor_value_info("scale", TensorProto.FLOAT, [1, 3]),
        helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 3]),
    ]
    node = helper.make_node("Mul", ["x", "scale"], ["y"], name="mul")
    model = helper.make_model(helper.make_graph([node], "g", values[:2], values[2:]))
    props = {"precision": "int8", "fp32_nodes": ["mul"]}
    helper.set_model_props(model, {key: json.dumps(value) for key, value in props.items()})
    path = tmp_path / "m.onnx"
    onnx.save(model, path)
    return path


def _build(
    model: Path, version: int, body: str = "", cache: Path | None = None, **settings: Any
) -> tuple[EngineFile, list[str]]:
    program = write_trtexec(model.parent, version, body)
    found = find_trtexec(str(program))
    assert found is not None
    engine = model.with_suffix(".engine")
    built = ensure_engine(model, engine, found, EngineSettings(**settings), BuildAids(cache))
    return built, arguments(program)


COMMON = ["--profilingVerbosity=detailed", "--minShapes=x:1x3", "--optShapes=x:2x3",
          "--maxShapes=x:4x3"]  # fmt: skip
FP32 = ["--precisionConstraints=obey", "--layerPrecisions=mul:fp32", "--layerOutputTypes=mul:fp32"]


@pytest.mark.parametrize(
    ("version", "own"),
    [
        (8502, ["--buildOnly", *COMMON, "--fp16", "--int8", *FP32]),
        (8602, ["--skipInference", *COMMON, "--fp16", "--int8", *FP32]),
        (100300, ["--skipInference", *COMMON, "--stronglyTyped"]),
        (110400, ["--skipInference", *COMMON]),
    ],
)
def test_each_version_gets_its_own_options(model: Path, version: int, own: list[str]) -> None:
    built, given = _build(model, version, batch=BatchProfile(1, 2, 4))
    assert given[0] == f"--onnx={model}"
    assert [a for a in given[2:] if "timingCache" not in a] == own
    assert (built.built, built.backend, built.layers) == ("there was none", "trtexec", None)
    assert built.version == read_version(version)
    assert built.warnings == ("a cast was clamped",)
    assert Path(built.path).read_bytes().startswith(b"plan of ")


@pytest.mark.parametrize(
    ("version", "plugins", "sources"),
    [
        (8502, "--plugins", "-CUBLAS,-CUBLAS_LT,-CUDNN,-EDGE_MASK_CONVOLUTIONS,+JIT_CONVOLUTIONS"),
        (110400, "--staticPlugins", "-EDGE_MASK_CONVOLUTIONS,+JIT_CONVOLUTIONS"),
    ],
)
def test_settings_become_options(model: Path, version: int, plugins: str, sources: str) -> None:
    plugin = model.with_name("libplugin.so")
    plugin.write_bytes(b"library")
    _, given = _build(
        model,
        version,
        workspace_mib=256,
        tf32=False,
        sparse_weights=True,
        tactic_sources=("JIT_CONVOLUTIONS",),
        plugins=(str(plugin),),
        level=None if version == 8502 else 4,
    )
    level = [] if version == 8502 else ["--builderOptimizationLevel=4"]
    asked = ["--memPoolSize=workspace:256", "--noTF32", "--sparsity=enable", *level,
             f"--tacticSources={sources}", f"{plugins}={plugin}"]  # fmt: skip
    assert [a for a in given if "timingCache" not in a][-len(asked) :] == asked


def test_an_engine_is_built_once_and_leaves_nothing_else(model: Path) -> None:
    first, _ = _build(model, 100300)
    again, _ = _build(model, 100300, body="sys.exit(9)")
    assert (first.built, again.built) == ("there was none", "")
    assert again.plan_bytes == first.plan_bytes
    other, _ = _build(model, 100301)
    assert other.built == "it was built with 10.3.0, this is 10.3.1"
    assert {path.name for path in model.parent.iterdir()} == {
        "m.onnx", "m.engine", "m.engine.json", "m.engine.timing", "trtexec", "trtexec.json",
    }  # fmt: skip


def test_the_timing_cache_grows_only_with_builds_that_succeed(model: Path, tmp_path: Path) -> None:
    cache = tmp_path / "times"
    _build(model, 100300, cache=cache)
    _build(model, 100300, cache=cache, tf32=False)
    assert cache.read_bytes() == b"kernel;kernel;"
    spoil = 'Path(options["--timingCacheFile"]).write_bytes(b"half"); sys.exit(1)'
    with pytest.raises(DeviceUnsupportedError):
        _build(model, 100300, body=spoil, cache=cache, level=1)
    assert cache.read_bytes() == b"kernel;kernel;"


LOG = 'print("[11/25/2026-10:00:00] [E] {}"); sys.exit(1)'


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("os.kill(os.getpid(), signal.SIGKILL)", "was killed, .* end other programs"),
        ("sys.exit(137)", "was killed, .* end other programs"),
        (LOG.format("[TRT] No importer registered for op: Twirl"), "cannot build it: No importer"),
        (LOG.format("Error[2]: out of memory"), "out of memory; end other programs"),
        ("sys.exit(3)", "it ended with code 3"),
        ("sys.exit(0)", "it gave no reason"),
    ],
)
def test_failures_are_one_line_and_leave_nothing(model: Path, body: str, text: str) -> None:
    with pytest.raises(DeviceUnsupportedError, match=text) as told:
        _build(model, 100300, body=body)
    assert told.value.exit_code == 5
    assert "\n" not in str(told.value)
    assert {p.name for p in model.parent.iterdir()} == {"m.onnx", "trtexec", "trtexec.json"}


@pytest.mark.parametrize(
    ("version", "settings", "text", "code"),
    [
        (100300, {"sm": "87"}, "--sm: trtexec builds for the GPU it runs on", 2),
        (8502, {"level": 3}, "8.5.2 has no optimisation levels", 5),
        (110400, {"tactic_sources": ("CUDNN",)}, "--tactic-sources CUDNN: .* has EDGE", 2),
    ],
)
def test_settings_that_a_version_lacks_are_refused(
    model: Path, version: int, settings: dict[str, Any], text: str, code: int
) -> None:
    with pytest.raises(DeviceError, match=text) as told:
        _build(model, version, **settings)
    assert told.value.exit_code == code


def test_a_file_that_is_no_model_is_refused(model: Path) -> None:
    model.write_bytes(b"\x00damaged")
    with pytest.raises(DeviceError, match=r"m\.onnx: is no ONNX model") as told:
        _build(model, 100300)
    assert told.value.exit_code == 2


@pytest.mark.parametrize(
    ("number", "version"),
    [(8502, "8.5.2"), (8601, "8.6.1"), (100300, "10.3.0"), (101303, "10.13.3"), (110400, "11.4.0")],
)
def test_versions_are_read(number: int, version: str) -> None:
    assert read_version(number) == version


def test_programs_that_are_not_trtexec_are_refused(tmp_path: Path) -> None:
    program = tmp_path / "other"
    program.write_text("#!/bin/sh\necho cannot open libnvinfer.so.10 >&2; exit 127\n")
    program.chmod(0o755)
    with pytest.raises(DeviceUnsupportedError, match=r"its version \(cannot open libnvinfer"):
        find_trtexec(str(program))
    program.chmod(0o644)
    with pytest.raises(DeviceUnsupportedError, match="does not start"):
        find_trtexec(str(program))


def test_trtexec_is_found_where_the_bindings_are_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bindings, "MODULES", {"tensorrt": "no_such_tensorrt"})
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(builder, "find_trtexec", lambda: find_trtexec(None, tmp_path / "none"))
    with pytest.raises(DeviceUnsupportedError, match=r"cannot be imported .*no trtexec either"):
        load_builder("tensorrt")
    program = write_trtexec(tmp_path)
    found = load_builder("tensorrt")
    assert (found.backend, found.version) == ("trtexec", "10.3.0")
    assert found.label == "trtexec of TensorRT 10.3.0"
    assert find_trtexec(None, program) == found


def test_trtexec_that_is_asked_for_has_to_be_there(tmp_path: Path) -> None:
    with pytest.raises(EngineSettingError, match="--trtexec /nowhere: no such file"):
        load_builder("tensorrt", "/nowhere")
    with pytest.raises(EngineSettingError, match="--backend tensorrt alone"):
        load_builder("tensorrt-rtx", str(write_trtexec(tmp_path)))
