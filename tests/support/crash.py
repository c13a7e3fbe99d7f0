"""Run `compress` in a forked child that kills itself with SIGKILL at a chosen moment.

Only the delivery (test set, export, latency) is left out: it starts from finished stages, takes
most of a small run's time, and is run to its end by the tests of the pipeline.

The moments are the n-th time an event happens: a training step begins, a state file is half
written, a surgery is half done. A fork of this process costs no imports; it is safe because the
tests run on one thread.
"""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
import traceback
from collections.abc import Callable
from typing import Any, BinaryIO

from torch import Tensor

from edgeprune import atomic, pipeline
from edgeprune.methods import pruner
from edgeprune.train import learner, run_folder

Settings = dict[str, Any]
EVENTS = ("step", "write", "surgery")


def run_and_kill(settings: Settings, event: str, count: int) -> bool:
    """Whether the run was killed at the `count`-th `event`; False when it ended before."""
    child = os.fork()
    if child == 0:
        _child(settings, event, count)
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(status) == 0, "the child failed; its traceback is on stderr"
    return False


def _child(settings: Settings, event: str, count: int) -> None:
    code = 1
    try:
        _ARM[event](_countdown(count))
        train(settings)
        code = 0
    except BaseException:
        traceback.print_exc(file=sys.stderr)
    os._exit(code)


def _countdown(count: int) -> Callable[[], bool]:
    left = [count]

    def now() -> bool:
        left[0] -= 1
        return left[0] < 0

    return now


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _arm_step(now: Callable[[], bool]) -> None:
    plain = learner.Learner.step

    def step(self: learner.Learner, *arguments: Any) -> Any:
        if now():
            _die()
        return plain(self, *arguments)

    learner.Learner.step = step  # type: ignore[method-assign]


def _arm_write(now: Callable[[], bool]) -> None:
    plain = atomic.save_atomic

    def save(path: str | os.PathLike[str], writer: Callable[[BinaryIO], None]) -> None:
        def half(stream: BinaryIO) -> None:
            if not now():
                writer(stream)
                return
            whole = io.BytesIO()
            writer(whole)
            stream.write(whole.getvalue()[: whole.tell() // 2])
            stream.flush()
            _die()

        plain(path, half)

    run_folder.save_atomic = save  # type: ignore[attr-defined]


def _arm_surgery(now: Callable[[], bool]) -> None:
    plain = pruner.remove_channels

    def remove(model: Any, graph: Any, removal: Any, **options: Any) -> None:
        plain(model, graph, removal, **options)
        if now():
            _die()

    pruner.remove_channels = remove  # type: ignore[attr-defined]


_ARM = {"step": _arm_step, "write": _arm_write, "surgery": _arm_surgery}


class _MethodDoneError(Exception):
    """The method is done; what would follow is the delivery."""


def train(settings: Settings) -> dict[str, Tensor]:
    """The weights that `compress` would deliver; resumes what the folder holds."""
    found: dict[str, Tensor] = {}

    def stop(_run: object, _context: object, outcome: pipeline.Outcome) -> None:
        found.update(outcome.student.weights())
        raise _MethodDoneError

    plain, pipeline.deliver = pipeline.deliver, stop  # type: ignore[assignment]
    try:
        with contextlib.suppress(_MethodDoneError):
            pipeline.compress(**settings)
    finally:
        pipeline.deliver = plain
    return found
