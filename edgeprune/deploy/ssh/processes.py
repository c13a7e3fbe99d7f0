"""Ending processes of ours."""

from __future__ import annotations

import contextlib
import subprocess
from typing import Any


def end(process: subprocess.Popen[Any], patience_s: float) -> None:
    """Close its input, ask it to end, and make it end; returns when it has."""
    with contextlib.suppress(OSError):  # what was not written yet finds no reader
        if process.stdin is not None:
            process.stdin.close()
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(patience_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
