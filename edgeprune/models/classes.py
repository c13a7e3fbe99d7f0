"""Matching a teacher's outputs to a data set's classes, by name."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

import torch
from torch import Tensor

from edgeprune.errors import UserInputError
from edgeprune.models.loaded import LoadedModel


def output_columns(loaded: LoadedModel, classes: Sequence[str]) -> Tensor | None:
    """The network's output of every class of the data; None where they agree as they are.

    Args:
        classes: of the data; none where it has no classes.

    Raises:
        UserInputError: the network does not know one of the classes.
    """
    if loaded.classes is None or not classes or loaded.classes == tuple(classes):
        return None
    try:
        return class_mapping(loaded.classes, classes)
    except UserInputError as failure:
        raise UserInputError(f"{loaded.source or 'the teacher'}: {failure}") from failure


def class_mapping(model_classes: Sequence[str], data_classes: Sequence[str]) -> Tensor:
    """Return the model's output column of every class of the data, int64 (len(data_classes),).

    Raises:
        UserInputError: a class the model does not know, or a name that is not unique.
    """
    for owner, names in (("model", model_classes), ("data", data_classes)):
        if len(set(names)) != len(names):
            raise UserInputError(f"the {owner}'s class names are not unique")
    column = {name: number for number, name in enumerate(model_classes)}
    missing = [name for name in data_classes if name not in column]
    if missing:
        raise UserInputError(_missing(missing, model_classes, len(data_classes)))
    return torch.tensor([column[name] for name in data_classes], dtype=torch.int64)


def _missing(missing: list[str], model_classes: Sequence[str], wanted: int) -> str:
    near = difflib.get_close_matches(missing[0], model_classes, n=1)
    hint = f" (near: {near[0]!r})" if near else ""
    return (
        f"the network has no output for {len(missing)} of the data's {wanted} classes, "
        f"first {missing[0]!r}{hint}; name the classes in the JSON beside it as the data "
        "does, in output order"
    )
