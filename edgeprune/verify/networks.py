"""PyTorch and ONNX Runtime as functions from a batch to all outputs."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from edgeprune.device.ids import IdRows, check_ids
from edgeprune.device.runners.base import Runner
from edgeprune.errors import CorruptFileError, EdgepruneError, UnsupportedError
from edgeprune.export.precision.emulate import emulated, is_half
from edgeprune.export.precision.sessions import running
from edgeprune.models.inputs import require_known_ids
from edgeprune.verify.graphs import GraphFile

Array = NDArray[Any]
Inputs = tuple[Array, ...]
Network = Callable[[Inputs], list[Array]]


def torch_network(module: nn.Module) -> Network:
    """A module in evaluation mode on the CPU; it refuses ids that it has no rows for."""

    def outputs(inputs: Inputs) -> list[Array]:
        tensors = [torch.from_numpy(np.ascontiguousarray(array)) for array in inputs]
        require_known_ids(module, tensors)
        with torch.no_grad():
            found = module(*tensors)
        return [leaf.numpy() for leaf in tree_leaves(found) if isinstance(leaf, Tensor)]

    return outputs


@contextlib.contextmanager
def onnx_network(graph: GraphFile) -> Iterator[Network]:
    """A graph in ONNX Runtime; FP16 is emulated.

    Raises:
        CorruptFileError: ONNX Runtime does not take the graph.
        UnsupportedError: ONNX Runtime is not installed.
    """
    model = emulated(graph.model) if is_half(graph.model) else graph.model
    with contextlib.ExitStack() as stack:
        try:
            runner = stack.enter_context(running(model))
        except UnsupportedError:
            raise
        except EdgepruneError as failure:
            raise CorruptFileError(f"{graph.path}: {failure}; export it again") from failure
        names = runner.input_names
        yield runner_network(runner, names, graph.fixed_batch, graph.id_rows)


def runner_network(
    runner: Runner,
    names: tuple[str, ...],
    most: int | None,
    id_rows: Mapping[str, IdRows] | None = None,
) -> Network:
    """An active runner; it refuses ids that its tables lack, which no runtime does.

    Args:
        names: of its inputs, in the network's order.
        most: samples that it takes at once; None for any number.
        id_rows: what its inputs may hold.
    """

    def outputs(inputs: Inputs) -> list[Array]:
        check_ids(id_rows or {}, dict(zip(names, inputs, strict=True)))
        size = most or max(len(inputs[0]), 1)
        parts = [
            list(runner.infer(_feed(names, inputs, start, size)).values())
            for start in range(0, len(inputs[0]), size)
        ]
        return [np.concatenate(output) for output in zip(*parts, strict=True)]

    return outputs


def _feed(
    names: tuple[str, ...], inputs: Inputs, start: int, size: int
) -> Mapping[str, NDArray[Any]]:
    parts = (np.ascontiguousarray(array[start : start + size]) for array in inputs)
    return dict(zip(names, parts, strict=True))
