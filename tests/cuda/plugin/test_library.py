"""The library as processes load it: what it exports, and how TensorRT gets to know of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from needs import lacking
from sparse_harness.nvcc_build import by_cmake, by_fall_back, fall_back_lines, nvcc
from sparse_harness.plugin_build import lifecycle_program, plugin_library, standin_tensorrt
from sparse_harness.tensorrt_headers import NoHeadersError, tensorrt_headers

_V3 = "PLUGIN CREATOR_V3ONE SparseConv2d 1 edgeprune"
_LOAD = """
import ctypes, sys
from pathlib import Path
standin, mode, *plugins = sys.argv[1:]
tensorrt = ctypes.CDLL(standin, mode=getattr(ctypes, mode)) if standin else None
loaded = [ctypes.CDLL(plugin) for plugin in plugins]
def entries():
    tensorrt.standin_entries.restype = ctypes.c_char_p
    return tensorrt.standin_entries().decode().split("\\n")[:-1]
if tensorrt:
    print(entries())
    if hasattr(loaded[-1], "getCreators"):
        count = ctypes.c_int32()
        print(bool(loaded[-1].getCreators(ctypes.byref(count))), count.value, entries())
"""
_LOAD_RTX = """
import sys
import tensorrt_rtx as trt
logger = trt.Logger(trt.Logger.WARNING)
trt.Builder(logger)
registry = trt.get_plugin_registry()
assert registry.load_library(sys.argv[1]) is not None
creator = registry.get_creator("SparseConv2d", "1", "edgeprune")
print(type(creator).__name__, *(field.name for field in creator.field_names))
field = trt.PluginField("vector", b"\\3\\0\\0\\0", trt.PluginFieldType.INT32)
fields = trt.PluginFieldCollection([field])
assert creator.create_plugin("layer", fields, trt.TensorRTPhase.BUILD) is None
"""


@pytest.fixture(autouse=True)
def _headers() -> None:
    try:
        tensorrt_headers()
    except NoHeadersError as failure:
        lacking(str(failure))


def _python(script: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        capture_output=True, encoding="utf-8", check=False, timeout=120,
    )  # fmt: skip


def _lines(*arguments: object) -> list[str]:
    done = _python(_LOAD, *arguments)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.splitlines()


def _exported(path: Path) -> set[str]:
    command = ["nm", "-D", "--defined-only", path]
    listed = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)
    return {line.split()[-1] for line in listed.stdout.splitlines()}


@pytest.mark.parametrize("mode", ["RTLD_GLOBAL", "RTLD_LOCAL"])
def test_a_library_that_is_loaded_enters_itself(mode: str) -> None:
    """As trtexec and Python load it; and TensorRT, when it asks for creators, finds them free."""
    lines = _lines(standin_tensorrt(101401), mode, plugin_library(3))
    assert lines == [str([_V3]), "True 1 []"]


def test_the_older_interface_enters_itself() -> None:
    lines = _lines(standin_tensorrt(101401), "RTLD_GLOBAL", plugin_library(2))
    assert lines == [str(["V1 SparseConv2d 1 edgeprune"])]


def test_a_second_copy_leaves_the_first_in_place(tmp_path: Path) -> None:
    first = plugin_library(3)
    second = tmp_path / "copy.so"
    second.write_bytes(first.read_bytes())
    lines = _lines(standin_tensorrt(101401), "RTLD_GLOBAL", first, second)
    assert lines == [str([_V3]), f"True 1 {[_V3]}"]


@pytest.mark.parametrize(("version", "major"), [(8602, 8), (110400, 11)])
def test_another_tensorrt_is_told(version: int, major: int) -> None:
    done = _python(_LOAD, standin_tensorrt(version), "RTLD_GLOBAL", plugin_library(3))
    assert done.returncode == 0
    assert (
        done.stderr
        == f"SparseConv2d: built for TensorRT 10, this process has {major}; build it here\n"
    )
    assert done.stdout.splitlines()[0] == "[]"


def test_tensorrt_rtx_loads_it_by_its_own_means() -> None:
    assert _lines(standin_tensorrt(10701), "RTLD_GLOBAL", plugin_library(3))[0] == "[]"


def test_without_tensorrt_it_loads_in_silence() -> None:
    assert _lines("", "RTLD_GLOBAL", plugin_library(3)) == []


def test_only_what_tensorrt_asks_for_is_exported() -> None:
    assert _exported(plugin_library(3)) == {"getCreators", "setLoggerFinder"}
    assert _exported(plugin_library(2)) == {"getPluginCreators"}


@pytest.fixture
def needs_nvcc() -> None:
    """The compiler of a board."""
    if nvcc() is None:
        lacking("needs nvcc")


@pytest.mark.slow
@pytest.mark.usefixtures("needs_nvcc")
@pytest.mark.parametrize("build", [by_cmake, by_fall_back])
def test_nvcc_s_library_is_loaded_by_a_registry_of_tensorrt(build: object) -> None:
    """TensorRT-RTX's, which needs no GPU for it."""
    pytest.importorskip("tensorrt_rtx")
    path = build()
    assert _exported(path) == {"getCreators", "setLoggerFinder"}
    done = _python(_LOAD_RTX, path)
    assert done.returncode == 0, done.stderr
    kind, *names = done.stdout.split()
    assert kind == "IPluginCreatorV3One"
    assert {"seg", "off", "val", "perm", "bias", "activation"} < set(names)
    assert "SparseConv2d: field shape: it is missing" in done.stderr


@pytest.mark.slow
@pytest.mark.usefixtures("needs_nvcc")
def test_nvcc_s_library_depends_on_no_tensorrt() -> None:
    needed = subprocess.run(["readelf", "-d", by_cmake()], capture_output=True, encoding="utf-8",
                            check=True).stdout  # fmt: skip
    assert "nvinfer" not in needed
    assert "NODELETE" in needed


def test_the_fall_back_is_three_lines() -> None:
    assert len(fall_back_lines()) == 3


def test_nothing_is_lost_or_used_after_its_end() -> None:
    """Every call of both interfaces, with devices that fail, under the address sanitizer."""
    done = subprocess.run([lifecycle_program()], capture_output=True, encoding="utf-8", check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")
