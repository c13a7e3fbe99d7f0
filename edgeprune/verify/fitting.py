"""Refuses a graph that cannot be of the network it is verified against, before anything runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from edgeprune.errors import UserInputError
from edgeprune.export.onnx_graph import Graph as Constants
from edgeprune.verify.graphs import GraphFile

if TYPE_CHECKING:
    from onnx import ValueInfoProto

Shape = tuple[int, ...]


def require_fit(graph: GraphFile, inputs: Sequence[Shape], outputs: Sequence[Shape]) -> None:
    """Compare shapes that the file declares with the network's.

    Args:
        inputs: the network's, with the batch on axis 0.
        outputs: likewise.

    Raises:
        UserInputError: they differ, or the graph takes only batches of one size above 1.
    """
    constants = {tensor.name for tensor in graph.model.graph.initializer}
    taken = [value for value in graph.model.graph.input if value.name not in constants]
    _require(graph, "takes", taken, inputs)
    _require(graph, "gives", list(graph.model.graph.output), outputs)
    if graph.fixed_batch not in (None, 1):
        raise UserInputError(
            f"{graph.path}: takes batches of {graph.fixed_batch} alone; export it with a free "
            "batch axis"
        )


def _require(
    graph: GraphFile, verb: str, values: Sequence[ValueInfoProto], wanted: Sequence[Shape]
) -> None:
    known = Constants(graph.model)
    found = [known.shape(value.name) for value in values]
    fits = len(found) == len(wanted) and all(map(_agrees, found, wanted))
    if not fits:
        raise UserInputError(
            f"{graph.path}: {verb} {_told(found)}, the network {_told(wanted)}: it is of another "
            "network; export this one again"
        )


def _agrees(found: Sequence[int | None] | None, wanted: Shape) -> bool:
    """Whether all axes but the batch agree, as far as the file tells."""
    if found is None:
        return True
    axes = zip(found[1:], wanted[1:], strict=False)
    return len(found) == len(wanted) and all(axis in (None, size) for axis, size in axes)


def _told(shapes: Sequence[Sequence[int | None] | None]) -> str:
    """`batch x 1 x 8 x 8`."""
    return ", ".join(
        " x ".join(["batch", *("?" if size is None else str(size) for size in shape[1:])])
        if shape
        else "something"
        for shape in shapes
    )
