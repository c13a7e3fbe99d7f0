"""NVIDIA's `tegrastats`, which prints a board's rails, read line by line.

It runs in the foreground and is ended by its own process: `tegrastats --stop` would end everyone's.
Its timestamps have whole seconds, so lines are stamped when they arrive.
"""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from threading import Event
from typing import IO, Iterator

from edgeprune.device.power.board_table import total_on
from edgeprune.device.power.sensor import Reading, Sensor, SensorError
from edgeprune.device.power.tegrastats_line import rails_in

PROGRAM = "tegrastats"
_STARTING_S = 5.0
_SILENT_INTERVALS = 10
_LEAST_SILENCE_S = 1.0
_ENDING_S = 2.0
_CHUNK = 65536


class TegrastatsSensor(Sensor):
    """Lines of a `tegrastats` found on the PATH.

    Args:
        interval_s: how often it prints.
        root: where `sys` hangs, for the board.
    """

    name = PROGRAM
    paces_itself = True

    def __init__(self, interval_s: float, root: Path) -> None:
        super().__init__(interval_s)
        self._root = root
        self._process: subprocess.Popen[bytes] | None = None
        self._complaints: IO[bytes] | None = None
        self._held = b""
        self._lines: list[tuple[float, str]] = []

    def open(self) -> None:
        """Start it and wait for the first line with a rail."""
        program = shutil.which(PROGRAM)
        if program is None:
            raise SensorError("tegrastats is not on the PATH; it comes with JetPack")
        try:
            self._start(program)
            first = self._next(_STARTING_S)
        except SensorError:
            self.close()
            raise
        self.rails = tuple(first.rails_mw)
        self.total = total_on(self._root, self.rails)

    def read(self) -> Reading:
        """The next line that shows every rail; waits for it."""
        patience_s = max(_LEAST_SILENCE_S, _SILENT_INTERVALS * self.interval_s)
        return self._next(patience_s)

    def readings(self, ending: Event) -> Iterator[Reading]:
        """A reading per line; after `ending` is set, one more."""
        while True:
            is_last = ending.is_set()
            yield self.read()
            if is_last:
                return

    def close(self) -> None:
        """End this process, and no other."""
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            try:
                process.wait(_ENDING_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdout is not None:
                process.stdout.close()
        if self._complaints is not None:
            self._complaints.close()
            self._complaints = None

    def _start(self, program: str) -> None:
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
        interval_ms = max(1, round(1000 * self.interval_s))
        try:
            self._process = subprocess.Popen(
                [program, "--interval", str(interval_ms)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=self._complaints,
                start_new_session=True,  # Ctrl-C in the terminal must not end it before us
            )
        except OSError as failure:
            raise SensorError(f"{program} cannot be started: {failure.strerror}") from failure
        self._held, self._lines = b"", []

    def _next(self, patience_s: float) -> Reading:
        """The next line with every rail; others, cut short or without power, are passed over."""
        end_s = time.monotonic() + patience_s
        shown = 0
        while True:
            at_s, line = self._line(end_s, patience_s, shown)
            shown += 1
            rails_mw = rails_in(line)
            if rails_mw and rails_mw.keys() >= set(self.rails):
                return Reading(at_s, rails_mw, {})

    def _line(self, end_s: float, patience_s: float, shown: int) -> tuple[float, str]:
        while not self._lines:
            self._take(end_s, patience_s, shown)
        return self._lines.pop(0)

    def _take(self, end_s: float, patience_s: float, shown: int) -> None:
        process = self._process
        if process is None or process.stdout is None:
            raise SensorError("tegrastats was not started")
        poll = select.poll()  # unlike select, for any number of open files
        poll.register(process.stdout, select.POLLIN)
        left_s = end_s - time.monotonic()
        if left_s <= 0 or not poll.poll(1000 * left_s):
            raise SensorError(self._why_silent(patience_s, shown))
        chunk = os.read(process.stdout.fileno(), _CHUNK)
        if not chunk:
            raise SensorError(f"tegrastats ended{self._complaint(process)}")
        at_s = time.monotonic()
        *lines, self._held = (self._held + chunk).split(b"\n")
        self._lines += [(at_s, line.decode("utf-8", "replace")) for line in lines]

    def _why_silent(self, patience_s: float, shown: int) -> str:
        if not shown:
            return f"tegrastats said nothing for {patience_s:.1f} s"
        if self.rails:
            return f"tegrastats does not show {', '.join(self.rails)} any more"
        return "tegrastats shows no power rails: run as root"

    def _complaint(self, process: subprocess.Popen[bytes]) -> str:
        try:
            code = process.wait(_ENDING_S)
        except subprocess.TimeoutExpired:
            return " its output"
        said = ""
        if self._complaints is not None:
            self._complaints.seek(0)
            said = self._complaints.read(_CHUNK).decode("utf-8", "replace").strip()
        last = said.splitlines()[-1] if said else ""
        return f" with {code}" + (f": {last}" if last else "")
