"""Proof that an ONNX file computes what the PyTorch model computes."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from edgeprune.device.errors import DeviceError, DeviceUnsupportedError
from edgeprune.device.runners.onnxruntime import OnnxRuntimeRunner
from edgeprune.errors import EdgepruneError, UnsupportedError, UserInputError
from edgeprune.export.prepared import device_of, evaluating
from edgeprune.models.inputs import require_known_ids

Inputs = tuple[Tensor, ...]


def onnx_max_abs_error(
    path: str | os.PathLike[str], model: nn.Module, batches: Iterable[Inputs]
) -> float:
    """Largest absolute difference between ONNX Runtime's outputs and PyTorch's, over all batches.

    The first batch of n samples runs as batches of 1 and n + 1 too, so that a file whose batch axis
    is not really free cannot pass.

    Args:
        path: the ONNX file, with inputs in the order of the model's.
        model: the network it was made from; runs in evaluation mode and is left as it was.
        batches: real inputs, normalised as in training.

    Raises:
        UserInputError: there are no batches, or they hold ids that the network has no rows for.
        UnsupportedError: ONNX Runtime is not installed.
        EdgepruneError: outputs differ in number or shape, or are not finite.
    """
    worst: float | None = None
    try:
        with OnnxRuntimeRunner(path) as runner, evaluating(model):
            for inputs in _with_other_sizes(batches):
                require_known_ids(model, inputs)
                expected = _torch_outputs(model, inputs)
                found = runner.infer(dict(zip(runner.input_names, _arrays(inputs), strict=True)))
                error = _max_abs_error(str(path), expected, list(found.values()))
                worst = error if worst is None else max(worst, error)
    except DeviceUnsupportedError as failure:
        raise UnsupportedError(str(failure)) from failure
    except DeviceError as failure:
        raise EdgepruneError(str(failure)) from failure
    if worst is None:
        raise UserInputError(f"{path}: no batches to compare on; give at least one")
    return worst


def _with_other_sizes(batches: Iterable[Inputs]) -> Iterator[Inputs]:
    remaining = iter(batches)
    for first in remaining:
        yield tuple(tensor[:1] for tensor in first)
        yield tuple(torch.cat([tensor, tensor[:1]]) for tensor in first)
        yield from chain([first], remaining)


def _torch_outputs(model: nn.Module, inputs: Inputs) -> list[NDArray[Any]]:
    device = device_of(model)
    outputs = model(*(tensor.to(device) for tensor in inputs))
    return [leaf.cpu().numpy() for leaf in tree_leaves(outputs)]


def _arrays(inputs: Inputs) -> list[NDArray[Any]]:
    return [tensor.detach().cpu().contiguous().numpy() for tensor in inputs]


def _max_abs_error(name: str, expected: list[NDArray[Any]], found: list[NDArray[Any]]) -> float:
    if [array.shape for array in expected] != [array.shape for array in found]:
        raise EdgepruneError(
            f"{name}: outputs have shapes {[array.shape for array in found]} in ONNX Runtime and "
            f"{[array.shape for array in expected]} in PyTorch; the file is of another network"
        )
    errors = [
        np.abs(ours.astype(np.float64) - theirs).max()
        for ours, theirs in zip(expected, found, strict=True)
    ]
    if not np.isfinite(errors).all():
        raise EdgepruneError(
            f"{name}: outputs are not finite in ONNX Runtime or PyTorch, so they cannot be "
            "compared; check the network's weights for NaN"
        )
    return float(max(errors))
