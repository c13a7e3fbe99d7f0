"""Compiles the plugin with g++, over the emulated kernels."""

from __future__ import annotations

from pathlib import Path

from sparse_harness.build import CUDA, WARNINGS, Unit, emulator_library, library, linked, run
from sparse_harness.tensorrt_headers import tensorrt_headers

PLUGIN_SOURCES = tuple(
    sorted(path for part in ("core", "tensorrt") for path in (CUDA / "plugin" / part).glob("*.cc"))
)
_HARNESS = CUDA / "harness" / "plugin"
_HARNESS_SOURCES = tuple(sorted(_HARNESS.glob("*.cc")))
_DEVICE = _HARNESS / "device.cc"
SANITIZED = ("-g1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
EXPORTS = f"-Wl,--version-script={CUDA / 'plugin' / 'exports.map'}"


def interface_options(*, v2: bool, v3: bool) -> tuple[str, ...]:
    """Which interfaces are compiled, and where TensorRT and CUDA's two types that it names are."""
    return (
        f"-I{CUDA}",
        f"-isystem{tensorrt_headers()}",
        f"-isystem{_HARNESS / 'without_cuda'}",
        "-Wno-deprecated-declarations",
        f"-DEDGEPRUNE_PLUGIN_V2={int(v2)}",
        f"-DEDGEPRUNE_PLUGIN_V3={int(v3)}",
    )


def harness_library() -> Path:
    """Both interfaces and functions that call them."""
    return _harness("plugin_harness", ())


def lifecycle_program() -> Path:
    """The program that makes and destroys plugins, which sanitizers watch."""
    harness = _harness("plugin_sanitized", SANITIZED)
    path = harness.with_name("lifecycle")
    options = [*SANITIZED, *interface_options(v2=True, v3=True), *linked(harness)]
    command = ["g++", "-std=c++14", *WARNINGS, str(CUDA / "harness" / "lifecycle" / "main.cc")]
    run([*command, *options, *linked(emulator_library("plain")), "-o", str(path)])
    return path


def _harness(name: str, extra: tuple[str, ...]) -> Path:
    options = [*interface_options(v2=True, v3=True), "-Og", *extra]
    options += linked(emulator_library("plain"))
    units = [Unit(source) for source in (*PLUGIN_SOURCES, *_HARNESS_SOURCES)]
    return library(name, units, options)


def plugin_library(generation: int) -> Path:
    """What users load, but for the device: built for TensorRT 8 (2) or for 10 (3)."""
    options = [
        *interface_options(v2=generation == 2, v3=generation == 3),
        *("-Og", "-fvisibility=hidden", EXPORTS, *linked(emulator_library("plain"))),
    ]
    units = [Unit(source) for source in (*PLUGIN_SOURCES, _DEVICE)]
    return library(f"plugin_v{generation}", units, options)


def standin_tensorrt(version: int) -> Path:
    """A library that says it is this version of TensorRT, and notes which plugins enter."""
    source = CUDA / "harness" / "standin" / "tensorrt.cc"
    options = [*interface_options(v2=True, v3=True), f"-DSTANDIN_VERSION={version}"]
    # Python's TensorRT is in no global scope, so that a plugin finds it by this name.
    options.append(f"-Wl,-soname,libnvinfer.so.{version // 10000}")
    return library(f"standin_tensorrt_{version}", [Unit(source)], options)
