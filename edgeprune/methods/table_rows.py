"""Whether a network's tables hold the ids that the data has."""

from __future__ import annotations

from torch import nn

from edgeprune.data.dataset import Data
from edgeprune.errors import UserInputError
from edgeprune.models.inputs import input_specs


def require_rows(module: nn.Module, data: Data, where: str) -> None:
    """Refuse a network that was trained with other users, items or features.

    Args:
        where: the network, for the message.

    Raises:
        UserInputError: a table has another number of rows than the data has ids, or one of the two
            has ids and the other images.
    """
    specs = input_specs(module)
    if specs is None and not data.has_ids:
        return
    if specs is None or not data.has_ids:
        kinds = "images" if specs is None else "ids of users and items"
        raise UserInputError(f"{where}: takes {kinds}, the data {data.name} has others")
    present = tuple(data.arch_args["rows"])
    if specs[0].rows != present:
        raise UserInputError(
            f"{where}: its tables have {specs[0].rows} rows, the data's need {present}: give the "
            "data that it was trained on, or train it again"
        )
