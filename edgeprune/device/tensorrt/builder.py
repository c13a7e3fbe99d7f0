"""Who builds an engine here: TensorRT's Python bindings, or trtexec where they are missing."""

from __future__ import annotations

from pathlib import Path
from typing import Union

from edgeprune.device.errors import DeviceUnsupportedError
from edgeprune.device.tensorrt.bindings import Bindings, load_bindings
from edgeprune.device.tensorrt.build import build_plan
from edgeprune.device.tensorrt.plan import Plan
from edgeprune.device.tensorrt.settings import BuildAids, EngineSettingError, EngineSettings
from edgeprune.device.tensorrt.trtexec import SYSTEM, Trtexec, find_trtexec
from edgeprune.device.tensorrt.trtexec_build import build_with_trtexec

Builder = Union[Bindings, Trtexec]


def load_builder(backend: str, trtexec: str | None = None) -> Builder:
    """Whoever builds for a backend here.

    Args:
        backend: `tensorrt` or `tensorrt-rtx`.
        trtexec: the program to build with; None: the bindings, or a program that is found where
            they are missing.

    Raises:
        DeviceUnsupportedError: neither is here.
        EngineSettingError: trtexec is asked for TensorRT for RTX.
    """
    if trtexec is not None:
        if backend != "tensorrt":
            raise EngineSettingError(f"--trtexec {trtexec}: builds for --backend tensorrt alone")
        if not Path(trtexec).is_file():
            raise EngineSettingError(f"--trtexec {trtexec}: no such file")
        found = find_trtexec(trtexec)
        assert found is not None
        return found
    try:
        return load_bindings(backend)
    except DeviceUnsupportedError as missing:
        program = find_trtexec() if backend == "tensorrt" else None
        if program is not None:
            return program
        looked = f"; no trtexec either ({SYSTEM}, PATH)" if backend == "tensorrt" else ""
        raise DeviceUnsupportedError(f"{missing}{looked}") from missing


def build(
    onnx_file: Path, path: Path, builder: Builder, settings: EngineSettings, aids: BuildAids
) -> Plan:
    """Build the engine that will lie at `path`; see `build_plan` for the failures."""
    if isinstance(builder, Trtexec):
        return build_with_trtexec(onnx_file, builder, settings, aids, path.parent)
    return build_plan(onnx_file, builder, settings, aids)
