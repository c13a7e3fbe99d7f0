"""What takes much of a process's time and changes nothing that it does, done less often."""

from __future__ import annotations

import functools
import gc


def save_time() -> None:
    """From now on in this process, which has imported what it needs."""
    _collect_rarely()
    _parse_once()


def _collect_rarely() -> None:
    """Let the collector of cycles pass over what was imported: it stays until the end.

    Half a million objects do, and the exporter makes so many more that going through all of them
    again and again takes a seventh of the time of tests that export.
    """
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def _parse_once() -> None:
    """Keep what the exporter parses.

    Whenever it is called it asks for this of 500 functions, and each time their source is parsed:
    a third of the time that the export of a small network takes.
    """
    from onnxscript import values

    parsed = getattr(values.TracedOnnxFunction, "function_ir", None)
    if isinstance(parsed, property) and parsed.fget is not None:
        values.TracedOnnxFunction.function_ir = property(functools.cache(parsed.fget))
