"""Times of kernels that earlier builds measured; TensorRT for RTX measures nothing when it builds.

A cache that is damaged, or from another TensorRT or GPU, is not used and then replaced.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgeprune.device.atomic import replace_file
from edgeprune.device.tensorrt.bindings import Bindings
from edgeprune.device.tensorrt.lines import one_line

_SUFFIX = ".timing"


def timing_cache_of(path: Path) -> Path:
    """Where the cache of an engine lies by default."""
    return path.with_name(path.name + _SUFFIX)


def has_timing_cache(bindings: Bindings, config: Any) -> bool:
    """Whether this version uses one."""
    return not bindings.is_rtx and hasattr(config, "create_timing_cache")


def attach_timing_cache(config: Any, path: Path, log: Any) -> str:
    """Let a build use the cache in a file and add to it.

    Returns:
        Why the file's content is not used; empty if it is, or if there is none.
    """
    try:
        held = path.read_bytes() if path.exists() else b""
    except OSError as failure:
        held, reason = b"", failure.strerror or "it cannot be read"
    else:
        reason = _attach(config, held, log) if held else ""
    if not held or reason:
        config.set_timing_cache(config.create_timing_cache(b""), True)
    return f"{path}: the timing cache is not used ({reason}); a new one is begun" if reason else ""


def save_timing_cache(config: Any, path: Path) -> str:
    """Write what the build knows now.

    Returns:
        Why it could not be written; empty if it was.
    """
    cache = config.get_timing_cache()
    if cache is None:
        return ""
    try:
        replace_file(path, bytes(cache.serialize()))
    except OSError as failure:
        return f"{path}: the timing cache cannot be written ({failure.strerror})"
    return ""


def _attach(config: Any, held: bytes, log: Any) -> str:
    errors, warnings = len(log.errors), len(log.warnings)
    cache = config.create_timing_cache(held)
    # TensorRT gives an empty cache for bytes it cannot read, and only warns.
    told = [*log.errors[errors:], *log.warnings[warnings:]]
    del log.errors[errors:], log.warnings[warnings:]
    if cache is None or told:
        return one_line(told[0]) if told else "it is damaged"
    if not config.set_timing_cache(cache, False):
        return "it is of another TensorRT or GPU"
    return ""
