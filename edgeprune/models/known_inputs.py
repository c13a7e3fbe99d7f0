"""Whether a network was trained on what the data gives: ids of the same users, the same columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from torch import nn

from edgeprune.data.dataset import Data
from edgeprune.errors import UserInputError
from edgeprune.models.inputs import InputSpec, input_specs
from edgeprune.models.loaded import LoadedModel

_REMEDY: Final = "give the data that it was trained on, or train it again"


def require_known_inputs(loaded: LoadedModel, data: Data) -> None:
    """Refuse a network that was trained with other users, items or features.

    Raises:
        UserInputError: a table has another number of rows than the data has ids, the two have not
            the same inputs, one of them has ids and the other images, or rows and columns are as
            many and of others.
    """
    where = loaded.source or "the network"
    _require_same_tables(where, loaded.module, data)
    if loaded.inputs_digest is not None and loaded.inputs_digest != data.inputs_digest:
        raise UserInputError(
            f"{where}: was trained on other users, items or columns than {data.name} has: {_REMEDY}"
        )


def _require_same_tables(where: str, module: nn.Module, data: Data) -> None:
    specs = input_specs(module)
    if specs is None and not data.has_ids:
        return
    if specs is None or not data.has_ids:
        kinds = "images" if specs is None else "ids of users and items"
        raise UserInputError(f"{where}: takes {kinds}, the data {data.name} has others")
    given = _given_by(data)
    if specs[0].rows != given[0].rows:
        raise UserInputError(
            f"{where}: its tables have {specs[0].rows} rows, the data's need {given[0].rows}: "
            f"{_REMEDY}"
        )
    shapes = [[spec.shape for spec in inputs] for inputs in (specs, given)]
    if shapes[0] != shapes[1] or any(
        own.rows and own.rows != other.rows for own, other in zip(specs, given, strict=True)
    ):
        raise UserInputError(
            f"{where}: takes {_told(specs)}; the data gives {_told(given)}: {_REMEDY}"
        )


def _given_by(data: Data) -> tuple[InputSpec, ...]:
    """What the data gives, in the order in which it does."""
    sizes = data.arch_args
    rows = tuple(sizes["rows"])
    found = [InputSpec("ids", "int64", (len(rows),), rows)]
    if "dense" in sizes:
        found.append(InputSpec("dense", "float32", (sizes["dense"],)))
    if "bag_rows" in sizes:
        length = sizes["bag_length"]
        found.append(InputSpec("bag", "int64", (length,), (sizes["bag_rows"],) * length))
    return tuple(found)


def _told(specs: Sequence[InputSpec]) -> str:
    return ", ".join(
        f"{spec.shape[-1]} {spec.name}{f' of up to {max(spec.rows)} rows' if spec.rows else ''}"
        for spec in specs
    )
