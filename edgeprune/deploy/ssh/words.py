"""What a program said last, fit for a message of one line."""

from __future__ import annotations

_MOST = 200


def last_line(*texts: str) -> str:
    """The last line that tells anything; its end where it is long, since the reason stands there.

    Args:
        texts: in which order to look: the last one first.
    """
    lines = [line.strip() for text in texts for line in text.splitlines()]
    line = next((line for line in reversed(lines) if line), "")
    printable = line if line.isprintable() else ascii(line)[1:-1]
    return printable if len(printable) <= _MOST else f"…{printable[-_MOST:]}"


def in_brackets(*texts: str) -> str:
    """The last line, for the end of a sentence; nothing where nothing was said."""
    line = last_line(*texts)
    return f" ({line})" if line else ""
