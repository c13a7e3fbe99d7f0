"""Names of a graph's inputs and outputs, a part of the interface of every exported file."""

from __future__ import annotations


def input_names(count: int) -> list[str]:
    """`input`, or `input_0`, `input_1`, ... when there are several."""
    return _numbered("input", count)


def output_names(count: int) -> list[str]:
    """`output`, or `output_0`, `output_1`, ... when there are several."""
    return _numbered("output", count)


def _numbered(word: str, count: int) -> list[str]:
    return [word] if count == 1 else [f"{word}_{number}" for number in range(count)]
