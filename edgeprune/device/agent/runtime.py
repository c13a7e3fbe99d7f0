"""Which runtime a board measures with."""

from __future__ import annotations

from edgeprune.device.agent.events import Events
from edgeprune.device.errors import DeviceError, DeviceUnsupportedError
from edgeprune.device.probe.software import Software

TENSORRT, TRTEXEC, ONNXRUNTIME = "tensorrt", "trtexec", "onnxruntime"
RUNTIMES = ("auto", TENSORRT, TRTEXEC, ONNXRUNTIME)
_CPU = "--runtime onnxruntime measures on the board's CPU"


def choose_runtime(asked: str, found: Software, events: Events, system: str = "") -> str:
    """TensorRT's Python module, else trtexec with a note; ONNX Runtime only if asked for, or if the
    bundle was made for it.

    Args:
        asked: one of `RUNTIMES`.
        found: what the board has.
        events: who is told.
        system: of the bundle's manifest.

    Raises:
        DeviceUnsupportedError: the board lacks it.
    """
    if asked not in RUNTIMES:
        raise DeviceError(f"--runtime {asked}: use {', '.join(RUNTIMES)}")
    if asked == "auto" and system == ONNXRUNTIME:
        asked = ONNXRUNTIME
    if asked == "auto":
        return _best(found, events)
    missing = _missing(asked, found)
    if missing:
        raise DeviceUnsupportedError(f"--runtime {asked}: {missing}")
    return asked


def _best(found: Software, events: Events) -> str:
    missing = _missing(TENSORRT, found)
    if not missing:
        return TENSORRT
    if found.trtexec is None:
        raise DeviceUnsupportedError(f"{missing}, and there is no trtexec: {_CPU}")
    events.note(f"{missing}: trtexec builds and times in its place")
    return TRTEXEC


def _missing(runtime: str, found: Software) -> str:
    if runtime == TRTEXEC:
        return "" if found.trtexec else "there is none in /usr/src/tensorrt/bin or on PATH"
    if found.numpy is None:
        return "Python has no numpy (on a board: apt install python3-numpy)"
    if runtime == TENSORRT and not found.tensorrt_python:
        return "Python has no tensorrt (on a board: apt install python3-libnvinfer)"
    if runtime == ONNXRUNTIME and found.onnxruntime is None:
        return "Python has no onnxruntime"
    return ""
