"""Processes that start in no time: forked from a server that has imported what they need.

Imports take seconds, and autograd refuses to run in the fork of a process that has started its
threads, as tests do: the server has done nothing but import.
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path

from saved_time import save_time

SERVER = multiprocessing.get_context("forkserver")
# Not modules of the tests: before Python 3.13 the server does not know pytest's additions to the
# path.
SERVER.set_forkserver_preload(
    [
        "edgeprune.pipeline",
        "edgeprune.methods.pruner",
        "edgeprune.train.learner",
        "sklearn.datasets",  # the digits
        "torch._dynamo",
        "torch._inductor",
        "torch.export._trace",
        "torchvision",
        "onnxscript",
    ]
)


def run_script(
    script: Path, options: Sequence[str], folder: Path, timeout_s: float
) -> subprocess.CompletedProcess[str]:
    """Run a script as `python SCRIPT OPTIONS...` in `folder` does.

    Raises:
        subprocess.TimeoutExpired: it did not end in time, and was killed.
    """
    words = [str(script), *options]
    with tempfile.TemporaryDirectory() as place:
        told = [Path(place) / "stdout", Path(place) / "stderr"]
        child = SERVER.Process(target=_run, args=(words, folder, told))
        child.start()
        child.join(timeout_s)
        if child.exitcode is None:
            child.kill()
            child.join()
            raise subprocess.TimeoutExpired(words, timeout_s)
        out, err = (path.read_text(encoding="utf-8") for path in told)
        return subprocess.CompletedProcess(words, child.exitcode, out, err)


def _run(words: list[str], folder: Path, told: list[Path]) -> None:
    save_time()
    os.chdir(folder)
    for number, path in enumerate(told, start=1):
        with path.open("wb") as file:
            os.dup2(file.fileno(), number)
    sys.stdout, sys.stderr = (
        os.fdopen(number, "w", encoding="utf-8", buffering=1, closefd=False) for number in (1, 2)
    )
    sys.argv = words
    # What pytest adds to the path is not there for a user.
    added = tuple(str(folder / part) for part in ("tests", "cuda"))
    sys.path[:] = [str(Path(words[0]).parent), *(p for p in sys.path if not p.startswith(added))]
    try:
        runpy.run_path(words[0], run_name="__main__")
    except Exception:
        traceback.print_exc()
        sys.exit(1)
