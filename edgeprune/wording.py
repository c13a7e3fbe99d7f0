"""Text from files and errors, made fit for one line of a terminal."""

from __future__ import annotations

from typing import Final

_LONGEST_NAME: Final = 80
_LONGEST_LINE: Final = 160


def shown(name: object) -> str:
    """Return a name from a file, at most 80 characters, control characters escaped."""
    text = str(name)
    printable = text if text.isprintable() else ascii(text)[1:-1]
    return printable[:_LONGEST_NAME]


def counted(number: float, noun: str) -> str:
    """`1 epoch`, `12 epochs`, `3.1 epochs`, `1,024 channels`."""
    text = f"{number:,.0f}" if number == round(number) else f"{number:.1f}"
    return f"{text} {noun}" if text == "1" else f"{text} {noun}s"


def brief(error: BaseException) -> str:
    """Return the first line of an error's text, or its kind, in at most 160 characters."""
    lines = str(error).strip().splitlines()
    text = lines[0] if lines else type(error).__name__
    return (text if text.isprintable() else ascii(text)[1:-1])[:_LONGEST_LINE]
