"""Names of a graph's inputs and outputs, a part of the interface of every exported file."""

from __future__ import annotations

from torch import nn

from edgeprune.models.inputs import input_specs


def input_names(count: int) -> list[str]:
    """`input`, or `input_0`, `input_1`, ... when there are several."""
    return _numbered("input", count)


def output_names(count: int) -> list[str]:
    """`output`, or `output_0`, `output_1`, ... when there are several."""
    return _numbered("output", count)


def names_of_inputs(module: nn.Module, count: int) -> list[str]:
    """Those that the network gives (see `input_specs`), else `input`, or `input_0`, ..."""
    specs = input_specs(module)
    if specs is not None and len(specs) == count:
        return [spec.name for spec in specs]
    return input_names(count)


def _numbered(word: str, count: int) -> list[str]:
    return [word] if count == 1 else [f"{word}_{number}" for number in range(count)]
