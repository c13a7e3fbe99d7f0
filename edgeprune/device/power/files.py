"""The kernel's files of one value each, and why they do not answer."""

from __future__ import annotations

from pathlib import Path

from edgeprune.device.power.sensor import SensorError


def read_text(path: Path) -> str:
    """What a file holds.

    Raises:
        SensorError: it cannot be read; a channel that nothing is connected to answers with EIO.
    """
    try:
        return path.read_text(encoding="utf-8").strip()
    except PermissionError as failure:
        raise SensorError(f"{path} is not readable: run as root, or chmod a+r it") from failure
    except OSError as failure:
        raise SensorError(f"{path} did not answer ({failure.strerror})") from failure
    except UnicodeDecodeError as failure:
        raise SensorError(f"{path} holds no text") from failure


def read_int(path: Path) -> int:
    """The number in a file.

    Raises:
        SensorError: it cannot be read, or holds something else.
    """
    text = read_text(path)
    try:
        return int(text)
    except ValueError as failure:
        raise SensorError(f"{path} holds {text!r}, not a number") from failure
