"""Names of a graph's inputs and outputs, a part of the interface of every exported file."""

from __future__ import annotations

import inspect
from collections.abc import Sequence

from torch import Tensor, nn

from edgeprune.models.inputs import input_specs


def input_names(count: int) -> list[str]:
    """`input`, or `input_0`, `input_1`, ... when there are several."""
    return _numbered("input", count)


def output_names(count: int) -> list[str]:
    """`output`, or `output_0`, `output_1`, ... when there are several."""
    return _numbered("output", count)


def names_of_inputs(module: nn.Module, inputs: Sequence[Tensor]) -> list[str]:
    """Those that the network gives (see `input_specs`); else, where ids are among them, the names
    of its parameters; else `input`, or `input_0`, `input_1`, ...
    """
    specs = input_specs(module)
    if specs is not None and len(specs) == len(inputs):
        return [spec.name for spec in specs]
    if all(tensor.is_floating_point() for tensor in inputs):
        return input_names(len(inputs))
    named = [
        parameter.name
        for parameter in inspect.signature(module.forward).parameters.values()
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
    ]
    return named[: len(inputs)] if len(named) >= len(inputs) else input_names(len(inputs))


def _numbered(word: str, count: int) -> list[str]:
    return [word] if count == 1 else [f"{word}_{number}" for number in range(count)]
