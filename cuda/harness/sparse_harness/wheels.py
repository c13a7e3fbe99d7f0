"""NVIDIA's packages on PyPI, unpacked beside what was built with them."""

from __future__ import annotations

import fcntl
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

from sparse_harness.build import BuildError, cache_folder


def unpacked(packages: Sequence[str]) -> Path:
    """The folder of some packages, each as NAME==VERSION; it is named after the first.

    Raises:
        BuildError: pip does not get them.
    """
    folder = cache_folder() / packages[0].replace("==", "-")
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "whole").exists():
            _download(packages, folder)
            (folder / "whole").touch()
    return folder


def _download(packages: Sequence[str], folder: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary",
               ":all:", "--dest", str(folder), *packages]  # fmt: skip
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        raise BuildError(f"{', '.join(packages)}: {done.stderr.strip()[-300:]}")
    for wheel in folder.glob("*.whl"):
        with zipfile.ZipFile(wheel) as packed:
            packed.extractall(folder)
        wheel.unlink()
