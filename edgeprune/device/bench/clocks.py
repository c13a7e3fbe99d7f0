"""Fixed clocks on a Jetson, for the time of a measurement."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Callable, Iterator

from edgeprune.device.errors import DeviceError, DeviceUnsupportedError

_ANSWER_S = 60.0


def require_clocks() -> None:
    """Refuse `--lock-clocks` before anything is built for it; changes no clock.

    Raises:
        DeviceUnsupportedError: there is no `jetson_clocks`, or sudo asks for a password.
        DeviceError: it fails.
    """
    if shutil.which("jetson_clocks") is None:
        raise DeviceUnsupportedError(
            "--lock-clocks: there is no jetson_clocks here; it is part of JetPack"
        )
    _sudo("--show")


@contextlib.contextmanager
def locked_clocks(tell: Callable[[str], None]) -> Iterator[None]:
    """Run `jetson_clocks`, and put back what was there before, whatever happens.

    Raises:
        DeviceUnsupportedError: see `require_clocks`.
        DeviceError: it fails.
    """
    require_clocks()
    with tempfile.TemporaryDirectory(prefix="edgeprune-clocks-") as folder:
        before = Path(folder) / "before.conf"
        _sudo("--store", str(before))
        try:
            _sudo()
            tell("clocks fixed by jetson_clocks")
            yield
        finally:
            _sudo("--restore", str(before))
            tell("clocks as they were")


def _sudo(*arguments: str) -> None:
    command = ["sudo", "-n", "jetson_clocks", *arguments]
    try:
        ended = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_ANSWER_S,
            check=False,
            encoding="utf-8",
            errors="replace",
            env={**os.environ, "LC_ALL": "C"},  # its words are read below
        )
    except FileNotFoundError as failure:
        raise DeviceUnsupportedError("--lock-clocks: there is no sudo here") from failure
    except subprocess.TimeoutExpired as failure:
        raise DeviceError(f"{' '.join(command)} did not end after {_ANSWER_S:.0f} s") from failure
    if ended.returncode:
        lines = ended.stdout.strip().splitlines()
        said = lines[-1].strip() if lines else f"code {ended.returncode}"
        if "password" in said:
            raise DeviceUnsupportedError(
                "--lock-clocks: sudo asks for a password; allow jetson_clocks without one "
                "(NOPASSWD in sudoers), or run sudo jetson_clocks yourself"
            )
        raise DeviceError(f"{' '.join(command)}: {said}")
