"""Run `compress` in a child process that kills itself with SIGKILL at a chosen moment.

Only the delivery (test set, export, latency) is left out: it starts from finished stages, takes
most of a small run's time, and is run to its end by the tests of the pipeline.

The moments are the n-th time an event happens: a training step begins, a state file is half
written, a surgery is half done.
"""

from __future__ import annotations

import contextlib
import io
import os
import signal
from collections.abc import Callable
from typing import Any, BinaryIO

import torch
from forked import SERVER
from saved_time import save_time
from torch import Tensor

from edgeprune import atomic, pipeline
from edgeprune.methods import pruner
from edgeprune.train import learner, run_folder

Settings = dict[str, Any]
EVENTS = ("step", "write", "surgery")


def run_and_kill(settings: Settings, event: str, count: int) -> bool:
    """Whether the run was killed at the `count`-th `event`; False when it ended before."""
    child = SERVER.Process(target=_armed_run, args=(settings, event, count))
    child.start()
    child.join()
    if child.exitcode == -signal.SIGKILL:
        return True
    assert child.exitcode == 0, "the child failed; its traceback is on stderr"
    return False


def _armed_run(settings: Settings, event: str, count: int) -> None:
    save_time()
    torch.set_num_threads(1)
    _ARM[event](_countdown(count))
    train(settings)


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
    """What `compress` would deliver; resumes what the folder holds.

    Weights by name and, after training for INT8, scales as `scale of PATH`.
    """
    found: dict[str, Tensor] = {}

    def stop(_run: object, _context: object, outcome: pipeline.Outcome) -> None:
        found.update(outcome.student.weights())
        scales = outcome.finish.scales or {}
        found.update({f"scale of {path}": torch.tensor(value) for path, value in scales.items()})
        raise _MethodDoneError

    plain, pipeline.deliver = pipeline.deliver, stop  # type: ignore[assignment]
    try:
        with contextlib.suppress(_MethodDoneError):
            pipeline.compress(**settings)
    finally:
        pipeline.deliver = plain
    return found
