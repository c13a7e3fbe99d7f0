"""How far a build is, and ending it early: `IProgressMonitor`, which TensorRT 8 does not have."""

from __future__ import annotations

import contextlib
import signal
import threading
from typing import Any, Iterator, Protocol

_ENDING = (signal.SIGINT, signal.SIGTERM)


class BuildProgress(Protocol):
    """Is told of a build's phases, which nest; a phase of another name may run inside one."""

    def start(self, phase: str, parent: str | None, steps: int) -> None:
        """A phase of so many steps begins."""

    def step(self, phase: str, done: int) -> None:
        """So many of its steps are done."""

    def end(self, phase: str) -> None:
        """It is over, or was cancelled."""


class Cancel:
    """Whether the user wants the build to end."""

    def __init__(self) -> None:
        self.asked = False


@contextlib.contextmanager
def monitored(module: Any, config: Any, progress: BuildProgress | None) -> Iterator[None]:
    """Report a build's progress and let Ctrl-C cancel it, where this version can.

    An exception must not cross TensorRT's own code, so Ctrl-C, as SIGTERM, sets a mark that
    TensorRT is told of at its next step. A second one ends the process at once. Where there is no
    monitor, nothing is changed and Ctrl-C waits for the end of the build.

    Raises:
        KeyboardInterrupt: after the build, if the user asked for its end.
    """
    if not hasattr(module, "IProgressMonitor") or not hasattr(config, "progress_monitor"):
        yield
        return
    cancel = Cancel()
    config.progress_monitor = _make_monitor(module, progress, cancel)
    with _interrupts_to(cancel):
        yield
    if cancel.asked:
        raise KeyboardInterrupt


@contextlib.contextmanager
def _interrupts_to(cancel: Cancel) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread hears of signals
        return

    def ask(number: int, _frame: Any) -> None:
        cancel.asked = True
        signal.signal(number, signal.SIG_DFL)

    before = {number: signal.signal(number, ask) for number in _ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _make_monitor(module: Any, progress: BuildProgress | None, cancel: Cancel) -> Any:
    class Monitor(module.IProgressMonitor):  # type: ignore[misc]
        def __init__(self) -> None:
            module.IProgressMonitor.__init__(self)

        def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
            if progress is not None:
                progress.start(phase_name, parent_phase, num_steps)

        def step_complete(self, phase_name: str, step: int) -> bool:
            if progress is not None:
                progress.step(phase_name, step + 1)
            return not cancel.asked

        def phase_finish(self, phase_name: str) -> None:
            if progress is not None:
                progress.end(phase_name)

    return Monitor()
