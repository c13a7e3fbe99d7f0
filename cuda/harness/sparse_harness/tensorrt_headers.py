"""TensorRT's headers off a board: from a package on PyPI that carries those of 10.14."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import zipfile
from pathlib import Path

from sparse_harness.build import cache_folder

PACKAGE = "kernel-lens==2.0.1"
_INSIDE = "kernel_lens/include/tensorrt/"


class NoHeadersError(RuntimeError):
    """They cannot be had here."""


def tensorrt_headers() -> Path:
    """The folder that holds `NvInferRuntime.h`.

    `EDGEPRUNE_TENSORRT_INCLUDE` names another one, such as a board's.

    Raises:
        NoHeadersError: the package cannot be downloaded.
    """
    given = os.environ.get("EDGEPRUNE_TENSORRT_INCLUDE")
    if given is not None:
        return Path(given)
    folder = cache_folder() / f"tensorrt-headers-{PACKAGE.partition('==')[2]}"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "NvInferRuntime.h").exists():
            _extract(_download(folder), folder)
    return folder


def _download(folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary",
               ":all:", "--dest", str(folder), PACKAGE]  # fmt: skip
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    wheels = list(folder.glob("*.whl"))
    if not wheels:
        raise NoHeadersError(
            f"{PACKAGE}, which carries TensorRT's headers, cannot be downloaded: "
            f"{done.stderr.strip()[-300:]}; set EDGEPRUNE_TENSORRT_INCLUDE to a folder of them"
        )
    return wheels[0]


def _extract(wheel: Path, folder: Path) -> None:
    """The file that is looked for comes last, so that it stands for all of them."""
    with zipfile.ZipFile(wheel) as packed:
        names = [name for name in packed.namelist() if name.startswith(_INSIDE)]
        for name in sorted(names, key=lambda name: name.endswith("/NvInferRuntime.h")):
            (folder / Path(name).name).write_bytes(packed.read(name))
    wheel.unlink()
