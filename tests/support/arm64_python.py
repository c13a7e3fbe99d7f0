"""Debian's Python and numpy for arm64, run by qemu's user emulation.

Nothing is installed: apt fetches the packages with lists and a package database of its own, and
they are unpacked into a folder that serves as the emulated program's root.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from needs import lacking

_PACKAGES = ("python3-minimal", "python3-numpy")
_LIBRARIES = "usr/lib/aarch64-linux-gnu"


@dataclass(frozen=True)
class Arm64Python:
    """An interpreter of another processor."""

    root: Path

    def run(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Run it to its end."""
        libraries = ":".join(f"{self.root}/{_LIBRARIES}/{name}" for name in ("blas", "lapack"))
        emulated = {
            "PYTHONPATH": f"{self.root}/usr/lib/python3/dist-packages",
            "LD_LIBRARY_PATH": libraries,
        }
        own = [word for name, value in emulated.items() for word in ("-E", f"{name}={value}")]
        environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
        return subprocess.run(
            ["qemu-aarch64", "-L", self.root, *own, self.root / "usr/bin/python3", *arguments],
            env=environment, capture_output=True, encoding="utf-8", timeout=300, check=False,
        )  # fmt: skip


def arm64_python(folder: Path) -> Arm64Python:
    """Fetch and unpack it, a few seconds."""
    for program in ("qemu-aarch64", "apt-get", "dpkg"):
        if shutil.which(program) is None:
            lacking(f"{program} is not installed")
    for name in ("lists/partial", "archives/partial", "root"):
        (folder / name).mkdir(parents=True)
    (folder / "status").touch()
    _apt(folder, ["update"])
    _apt(folder, ["-y", "--download-only", "--no-install-recommends", "install", *_PACKAGES])
    for package in sorted((folder / "archives").glob("*.deb")):
        subprocess.run(["dpkg", "-x", package, folder / "root"], check=True)
    return Arm64Python(folder / "root")


def _apt(folder: Path, words: Sequence[str]) -> None:
    settings = {
        "Dir::State::lists": folder / "lists",
        "Dir::State::status": folder / "status",
        "Dir::Cache": folder,
        "Dir::Cache::archives": folder / "archives",
        "APT::Architecture": "arm64",
        "APT::Architectures::": "arm64",
        "APT::Sandbox::User": "",
        "Acquire::Languages": "none",
        "Debug::NoLocking": "1",
    }
    options = [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]
    ended = subprocess.run(
        ["apt-get", "-qq", *options, *words], capture_output=True, encoding="utf-8", check=False
    )
    if ended.returncode:
        pytest.fail(f"apt-get {words[0]} for arm64: {ended.stderr[-500:]}")
