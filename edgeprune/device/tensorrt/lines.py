"""TensorRT's text in a message of one line."""

from __future__ import annotations

_MOST = 300  # characters of TensorRT's own text that a message repeats


def one_line(text: str) -> str:
    """The text without line ends, cut where it gets long."""
    folded = " ".join(text.split())
    return folded if len(folded) <= _MOST else f"{folded[:_MOST]}…"
