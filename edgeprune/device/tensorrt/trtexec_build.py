"""From an ONNX file to a serialised engine, with trtexec."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Sequence

from edgeprune.device.atomic import replace_file
from edgeprune.device.errors import DeviceUnsupportedError
from edgeprune.device.onnx.file import read_onnx
from edgeprune.device.tensorrt.lines import one_line
from edgeprune.device.tensorrt.memory import workspace_mib
from edgeprune.device.tensorrt.plan import MEMORY_REMEDY, Plan, why_not_built
from edgeprune.device.tensorrt.precision import read_precision
from edgeprune.device.tensorrt.settings import BuildAids, EngineSettings
from edgeprune.device.tensorrt.trtexec import Trtexec
from edgeprune.device.tensorrt.trtexec_command import build_command

# `[11/25/2024-10:00:00] [E] [TRT] text`
_LOGGED = re.compile(r"^\[[^\]]*\] \[([EW])\] (?:\[TRT\] )?(.*)$", re.MULTILINE)
_KILLED = (-signal.SIGKILL, 128 + signal.SIGKILL)


def build_with_trtexec(
    onnx_file: Path, program: Trtexec, settings: EngineSettings, aids: BuildAids, folder: Path
) -> Plan:
    """Build an engine.

    Args:
        onnx_file: one file, batch on axis 0 of every input.
        program: trtexec.
        settings: how.
        aids: what helps on the way; trtexec reports no progress.
        folder: where the engine will lie; it is written there under another name first.

    Raises:
        DeviceUnsupportedError: trtexec cannot build it, or was killed.
        DeviceError: the file is no ONNX model, or a setting does not apply.
    """
    with tempfile.TemporaryDirectory(prefix=".trtexec-", dir=folder) as scratch:
        engine, cache = Path(scratch) / "engine", Path(scratch) / "timing"
        if aids.timing_cache is not None and aids.timing_cache.is_file():
            shutil.copyfile(str(aids.timing_cache), str(cache))
        command = build_command(
            program,
            onnx_file,
            engine,
            settings,
            inputs=read_onnx(onnx_file).inputs,
            precision=read_precision(onnx_file),
            workspace_mib=settings.workspace_mib or workspace_mib(),
            timing_cache=None if aids.timing_cache is None else cache,
        )
        started = time.perf_counter()
        told = _run(command, onnx_file, program)
        if not engine.is_file():
            raise DeviceUnsupportedError(why_not_built(onnx_file, program.label, _kept(told, "E")))
        if aids.timing_cache is not None and cache.is_file():
            replace_file(aids.timing_cache, cache.read_bytes())
        return Plan(
            data=engine.read_bytes(),
            layers=None,
            seconds=time.perf_counter() - started,
            warnings=tuple(dict.fromkeys(map(one_line, _kept(told, "W")))),
        )


def _run(command: Sequence[str], onnx_file: Path, program: Trtexec) -> str:
    """What trtexec printed; it ends with this process's Ctrl-C."""
    try:
        ended = subprocess.run(
            list(command),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            encoding="utf-8",
            errors="replace",
        )
    except OSError as failure:
        raise DeviceUnsupportedError(
            f"--trtexec {program.path}: does not start ({failure.strerror})"
        ) from failure
    if ended.returncode in _KILLED:
        raise DeviceUnsupportedError(
            f"{onnx_file}: {program.label} was killed, most often because memory ran out; "
            f"{MEMORY_REMEDY}"
        )
    if ended.returncode:
        errors = _kept(ended.stdout, "E") or [f"it ended with code {ended.returncode}"]
        raise DeviceUnsupportedError(why_not_built(onnx_file, program.label, errors))
    return ended.stdout


def _kept(told: str, kind: str) -> list[str]:
    """Lines that trtexec logged as errors or warnings."""
    return [text for found, text in _LOGGED.findall(told) if found == kind and text.strip()]
