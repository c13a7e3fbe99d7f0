"""Bringing an engine from its file onto the GPU, and what is said where it does not serve here."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from edgeprune.device.errors import DeviceError, DeviceUnsupportedError
from edgeprune.device.tensorrt.bindings import Bindings
from edgeprune.device.tensorrt.key import gpu_name
from edgeprune.device.tensorrt.lines import one_line
from edgeprune.device.tensorrt.log import make_logger
from edgeprune.device.tensorrt.sidecar import read_sidecar, sidecar_of
from edgeprune.device.tensorrt.starting import start

_AGAIN = "build it again here with edgeprune build"
# What TensorRT logs when it refuses a plan, and what that means.
_REFUSALS = (
    (r"Version tag does not match|version of TensorRT|[Ss]erialized [Ee]ngine [Vv]ersion",
     "it is the engine of another TensorRT; " + _AGAIN),
    (r"incompatible device|expecting compute|different GPU|compute capability",
     "it was built for another GPU; " + _AGAIN),
    (r"[Pp]lugin", "it needs a plugin that is not loaded here; give its library with --plugin"),
    (r"out of memory|OutOfMemory|cudaError 2\b", "there is no memory for it; end other programs"),
    (r"cudaError (3|34|35|46|100|803|804|999)\b|initialization failure",
     "no GPU answers here"),
    (r"[Mm]agic|corrupt|stream size|[Ss]erialization", "it is no engine, or a damaged one; "
     + _AGAIN),
)  # fmt: skip


class EngineFileError(DeviceError):
    """A file that is no engine, or a damaged one; exit code 2."""

    exit_code = 2


class LoadedEngine:
    """An engine on the GPU.

    Args:
        path: the plan.
        bindings: the TensorRT to run it with.

    Attributes:
        engine: TensorRT's object.
        log: TensorRT's log, kept.

    Raises:
        EngineFileError: there is no such file, or it is no engine.
        DeviceUnsupportedError: it was built with another TensorRT or for another GPU, needs a
            plugin that is not loaded, or no GPU answers.
    """

    def __init__(self, path: Path, bindings: Bindings) -> None:
        if not path.is_file():
            raise EngineFileError(f"{path}: no such file; edgeprune build writes one")
        _require_same_software(path, bindings)
        self.bindings = bindings
        self.log = make_logger(bindings.module)
        # TensorRT wants the runtime to outlive the engine.
        self._runtime = start(bindings.module.Runtime, self.log, bindings.label)
        self.engine: Any = self._runtime.deserialize_cuda_engine(path.read_bytes())
        if self.engine is None:
            raise _refusal(path, bindings, self.log.errors)


def _require_same_software(path: Path, bindings: Bindings) -> None:
    """Compare with what the sidecar says; TensorRT's own words for it are hard to read."""
    held = read_sidecar(sidecar_of(path))
    if held is None:
        return
    key = held["key"]
    if (key.get("backend") == "tensorrt-rtx") != bindings.is_rtx:
        raise DeviceUnsupportedError(
            f"{path}: it was built with {key.get('backend')}, this is {bindings.label}: use the "
            f"backend it was built with, or {_AGAIN}"
        )
    version = str(key.get("version", ""))
    if version and _release(version) != _release(bindings.version):
        raise DeviceUnsupportedError(
            f"{path}: it was built with TensorRT {version}, this is {bindings.label}; {_AGAIN}"
        )
    gpu, here = key.get("gpu"), gpu_name()
    if gpu and here and gpu != here:
        raise DeviceUnsupportedError(f"{path}: it was built for {gpu}, this is {here}; {_AGAIN}")


def _release(version: str) -> tuple[str, ...]:
    """The part of a version that an engine is bound to; the bindings add a build number."""
    return tuple(re.findall(r"\d+", version)[:3])


def _refusal(path: Path, bindings: Bindings, errors: list[str]) -> DeviceError:
    told = " ".join(errors)
    words = f" ({one_line(errors[0])})" if errors else ""
    for pattern, meaning in _REFUSALS:
        if re.search(pattern, told):
            kind = EngineFileError if "no engine" in meaning else DeviceUnsupportedError
            return kind(f"{path}: {bindings.label} cannot load it: {meaning}{words}")
    return DeviceUnsupportedError(f"{path}: {bindings.label} cannot load it; {_AGAIN}{words}")
