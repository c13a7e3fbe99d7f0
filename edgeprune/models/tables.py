"""Tables that are looked up: how large they are, and what one sample reads of them.

A lookup multiplies nothing, so that MACs say nothing of it; memory and bytes read do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from edgeprune.models.row_map import MappedTable

KINDS = (nn.Embedding, nn.EmbeddingBag)


@dataclass(frozen=True)
class TableSummary:
    """One table.

    Attributes:
        name: module path.
        kind: class name.
        ids: that it knows; more than rows where several share one.
        rows: that it holds.
        dims: of a row.
        params: rows x dims.
        share: of the network's parameters.
        bytes: of its rows and, where several ids share one, of the map from ids to rows.
        lookups: rows that one sample reads.
        bytes_per_sample: that it reads for that, of the map too.
    """

    name: str
    kind: str
    ids: int
    rows: int
    dims: int
    params: int
    share: float
    bytes: int
    lookups: int
    bytes_per_sample: int


@contextmanager
def counted_lookups(model: nn.Module) -> Iterator[dict[str, int]]:
    """Count, by module path, the ids that every table is given; padding is read like any row."""
    counts: dict[str, int] = {}
    handles = [
        module.register_forward_pre_hook(_counter(counts, path))
        for path, module in model.named_modules()
        if isinstance(module, KINDS)
    ]
    try:
        yield counts
    finally:
        for handle in handles:
            handle.remove()


def summarise_tables(
    model: nn.Module, lookups: Mapping[str, int], samples: int, params: int
) -> tuple[TableSummary, ...]:
    """All tables in the order of the modules.

    Args:
        lookups: what `counted_lookups` found.
        samples: of the run that it was found in.
        params: of the whole network.
    """
    mapped = {id(m.table): (path, m) for path, m in model.named_modules() if _is_mapped(m)}
    found = []
    for path, module in model.named_modules():
        if isinstance(module, KINDS):
            name, owner = mapped.get(id(module), (path, None))
            read = lookups.get(path, 0) // max(samples, 1)
            found.append(_table(name, module, owner, read, params))
    return tuple(found)


def _is_mapped(module: nn.Module) -> bool:
    return isinstance(module, MappedTable)


def _table(
    name: str, module: Any, owner: MappedTable | None, lookups: int, params: int
) -> TableSummary:
    weight: Tensor = module.weight
    rows, dims = weight.shape
    map_item = owner.row_of.element_size() if owner is not None else 0
    ids = owner.num_embeddings if owner is not None else rows
    return TableSummary(
        name=name,
        kind=type(module).__name__,
        ids=ids,
        rows=rows,
        dims=dims,
        params=weight.numel(),
        share=weight.numel() / max(params, 1),
        bytes=weight.numel() * weight.element_size() + ids * map_item,
        lookups=lookups,
        bytes_per_sample=lookups * (dims * weight.element_size() + map_item),
    )


def _counter(counts: dict[str, int], path: str) -> Any:
    def hook(_module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        counts[path] = counts.get(path, 0) + inputs[0].numel()

    return hook
