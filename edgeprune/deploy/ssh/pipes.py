"""Reading what a process writes, without waiting for it longer than asked."""

from __future__ import annotations

import queue
import threading
from collections import deque
from typing import IO

_TAIL_LINES = 400
_LONGEST_LINE = 1 << 20


class Tail:
    """The last lines of a stream, read in a thread so that the writer never waits.

    Args:
        stream: that a process writes to.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._lines: deque[str] = deque(maxlen=_TAIL_LINES)
        self._thread = threading.Thread(target=self._read, args=(stream,), daemon=True)
        self._thread.start()

    def text(self, patience_s: float = 0.0) -> str:
        """What came so far; waits this long for the end."""
        self._thread.join(patience_s)
        return "".join(self._lines)

    def _read(self, stream: IO[bytes]) -> None:
        with stream:
            while line := stream.readline(_LONGEST_LINE):
                self._lines.append(line.decode("utf-8", "replace"))


class Lines:
    """Lines of a stream as they come.

    Args:
        stream: that a process writes to.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._queue: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        threading.Thread(target=self._read, args=(stream,), daemon=True).start()

    def next(self, timeout_s: float | None = None) -> str | None:
        """The next line without its end; None at the end of the stream.

        Raises:
            TimeoutError: none came in time.
        """
        try:
            line = self._queue.get(timeout=timeout_s)
        except queue.Empty:
            raise TimeoutError from None
        if line is None:
            self._queue.put(None)  # the end stays the end, however often it is asked for
        return line

    def _read(self, stream: IO[bytes]) -> None:
        with stream:
            while line := stream.readline(_LONGEST_LINE):
                self._queue.put(line.decode("utf-8", "replace").rstrip("\r\n"))
        self._queue.put(None)
