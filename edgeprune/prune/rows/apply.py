"""Puts smaller tables behind maps into a network, and shows that kept ids read what they did."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from edgeprune.errors import EdgepruneError, UserInputError
from edgeprune.models.row_map import MappedTable, put_module
from edgeprune.models.tables import KINDS
from edgeprune.prune.rows.choice import RowChoice, Tail, choose_rows, shared_rows


@dataclass(frozen=True)
class RowSettings:
    """What the user asks for.

    Attributes:
        fraction: of a table's rows that ids keep for themselves.
        tail: see `choose_rows`.
        min_rows: smaller tables stay as they are.
    """

    fraction: float
    tail: Tail = "shared"
    min_rows: int = 100

    def __post_init__(self) -> None:
        if not 0 < self.fraction < 1:
            raise UserInputError(
                f"table_rows={self.fraction:g}: give the fraction of rows to keep, between 0 and 1"
            )


@dataclass(frozen=True)
class TableRows:
    """What became of one table.

    Attributes:
        table: module path.
        ids: that it knows.
        rows: that it has now, shared ones with them.
        shared: rows that several ids read.
        tail_share: of the training's lookups that read one of those.
        map_bytes: that the map from ids to rows adds.
    """

    table: str
    ids: int
    rows: int
    shared: int
    tail_share: float
    map_bytes: int

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


def choose_for(
    model: nn.Module, counts: Mapping[str, Tensor], settings: RowSettings
) -> dict[str, RowChoice]:
    """The choice for every table that is large enough, by module path.

    Raises:
        UserInputError: none is, or one is shared with a layer that needs all of its rows.
    """
    chosen = {}
    for path, module in model.named_modules():
        if isinstance(module, KINDS) and module.num_embeddings >= settings.min_rows:
            _require_alone(model, path, module)
            chosen[path] = choose_rows(
                counts[path], settings.fraction, settings.tail, module.padding_idx
            )
    if not chosen:
        raise UserInputError(
            f"table_rows={settings.fraction:g}: the network has no table of {settings.min_rows} "
            "rows or more; leave it out, or lower table_min_rows"
        )
    return chosen


def map_rows(
    model: nn.Module, counts: Mapping[str, Tensor], chosen: Mapping[str, RowChoice]
) -> list[TableRows]:
    """Replace the tables of `model`, in place."""
    found = []
    for path, choice in chosen.items():
        mapped = _mapped(model.get_submodule(path), counts[path], choice)
        put_module(model, path, mapped)
        size = mapped.row_of.numel() * mapped.row_of.element_size()
        ids, rows = mapped.num_embeddings, choice.rows
        found.append(TableRows(path, ids, rows, choice.buckets, choice.tail_share, size))
    return found


def _mapped(table: Any, counts: Tensor, choice: RowChoice) -> MappedTable:
    """The table, of whatever class, with fewer rows behind a map."""
    smaller = copy.deepcopy(table)
    rows = shared_rows(table.weight, counts, choice)
    smaller.weight = nn.Parameter(rows, requires_grad=table.weight.requires_grad)
    smaller.num_embeddings = choice.rows
    if table.padding_idx is not None:
        smaller.padding_idx = int(choice.row_of[table.padding_idx])
    mapped = MappedTable(choice.row_of.to(table.weight.device), smaller)
    return mapped.train(table.training)


def require_equal(
    before: nn.Module,
    after: nn.Module,
    chosen: Mapping[str, RowChoice],
    batches: Iterable[tuple[Tensor, ...]],
) -> int:
    """Prove that nothing changed for ids that kept their rows.

    Every table is read at all of these ids, and the network run on real samples that hold no
    others.

    Returns:
        Samples that were compared; 0 where every sample holds a rare id.

    Raises:
        EdgepruneError: a row or an output differs in any bit.
    """
    for path, choice in chosen.items():
        ids = choice.kept[:, None]  # of a bag, one each
        with torch.no_grad():
            rows = [net.get_submodule(path)(ids) for net in (before, after)]
        _require_same(*rows)
    compared = 0
    for inputs in batches:
        fine = _without_tail(before, chosen, inputs)
        if not fine.any():
            continue
        kept = tuple(value[fine] for value in inputs)
        with torch.no_grad():
            _require_same(before(*kept), after(*kept))
        compared += len(kept[0])
    return compared


def _require_same(one: Tensor, other: Tensor) -> None:
    if not torch.equal(one, other):
        raise EdgepruneError("rows were shared, and ids that kept theirs changed: report it")


def _without_tail(
    model: nn.Module, chosen: Mapping[str, RowChoice], inputs: tuple[Tensor, ...]
) -> Tensor:
    """Samples none of whose ids reads a shared row: looked at table by table as the model runs."""
    samples = len(inputs[0])
    fine = torch.ones(samples, dtype=torch.bool)
    handles = []
    for path, choice in chosen.items():

        def look(_module: nn.Module, given: tuple[Tensor, ...], choice: RowChoice = choice) -> None:
            own = (choice.row_of < len(choice.kept))[given[0].cpu()]
            fine.logical_and_(own.reshape(samples, -1).all(1))

        handles.append(model.get_submodule(path).register_forward_pre_hook(look))
    try:
        with torch.no_grad():
            model(*inputs)
    finally:
        for handle in handles:
            handle.remove()
    return fine


def _require_alone(model: nn.Module, path: str, table: nn.Module) -> None:
    for other, module in model.named_modules(remove_duplicate=False):
        same = any(weight is table.weight for weight in module.parameters(recurse=False))
        if same and other != path:
            raise UserInputError(
                f"table_rows: the table '{path}' is the weight of '{other}' too, which needs every "
                "row; leave table_rows out, or untie them"
            )
