"""Rare ids share rows of the student's tables, before anything else is done to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice

from torch import Tensor, nn

from edgeprune.data.dataset import Data
from edgeprune.methods.sources import StudentSource
from edgeprune.models.summary import count_params
from edgeprune.prune.rows.apply import RowSettings, choose_for, map_rows, require_equal
from edgeprune.prune.rows.counts import count_ids
from edgeprune.recipe import Recipe

_BATCH = 4096
_COMPARED = 4  # batches


def with_shared_rows(
    student: StudentSource, recipe: Recipe, data: Data, tell: Callable[[str], None]
) -> StudentSource:
    """The student with the recipe's share of rows; as it is where nothing is asked.

    Training frequencies decide. That ids which keep their rows still read and give the same, bit by
    bit, is shown on the tables and on training samples.

    Raises:
        UserInputError: the network has no large table, or one that cannot lose rows.
    """
    if recipe.table_rows is None:
        return student
    settings = RowSettings(recipe.table_rows, recipe.table_tail, recipe.table_min_rows)
    original = student.build().eval()
    counts = count_ids(original, _inputs(data))
    chosen = choose_for(original, counts, settings)

    def shared(network: nn.Module) -> nn.Module:
        map_rows(network, counts, chosen)
        return network

    smaller = student.build().eval()
    tables = map_rows(smaller, counts, chosen)
    compared = require_equal(original, smaller, chosen, islice(_inputs(data), _COMPARED))
    for table in tables:
        tell(
            f"{'':>10}  {table.table}: {table.ids:,} ids read {table.rows:,} rows; "
            f"{table.tail_share:.1%} of the training lookups read a shared one"
        )
    tell(
        f"{'':>10}  all kept rows, and the outputs for {compared:,} training samples of kept ids, "
        "are the same bit by bit"
    )
    fresh = student.fresh
    return replace(
        student,
        build=lambda: shared(student.build()),
        fresh=None if fresh is None else lambda seed: shared(fresh(seed)),
        dense=student.build,
        table_rows=tuple(table.as_dict() for table in tables),
    )


def of_dense_size(recipe: Recipe, student: StudentSource) -> Recipe:
    """A share of parameters is one of the network before its rows were shared."""
    target = recipe.target_params
    if student.dense is None or target is None or target > 1:
        return recipe
    return recipe.model_copy(
        update={"target_params": max(2.0, round(target * count_params(student.dense())))}
    )


def _inputs(data: Data) -> Iterator[tuple[Tensor, ...]]:
    return (batch.inputs for batch in data.batches("train", batch_size=_BATCH))
