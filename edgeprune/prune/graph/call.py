"""One operation of the traced network, with labels in place of its tensors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from edgeprune.prune.graph.labels import Labels

Value = Labels | tuple["Value", ...] | None


@dataclass(frozen=True, eq=False)
class Call:
    """An operation, its arguments by the names of its schema, and the shapes of its results.

    Attributes:
        op: qualified name without overload, such as `aten::conv2d`.
        target: the operation itself.
        args: every argument of the schema, defaults included; tensors are `Labels` (in lists too).
        shapes: shape of each result that is a tensor; a single one for most operations.
        module: path of the innermost module that called it; empty for the network itself.
    """

    op: str
    target: Any
    args: Mapping[str, Any]
    shapes: tuple[tuple[int, ...], ...]
    module: str

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the first result."""
        return self.shapes[0]

    def labels(self) -> Iterator[Labels]:
        """All tensor arguments."""
        return flat_labels(tuple(self.args.values()))

    @property
    def where(self) -> str:
        """The operation and its place, in a user's words."""
        place = f" in '{self.module}'" if self.module else ""
        return f"{self.op.partition('::')[2]}{place}"

    def rerun(self, replaced: str, tensor: Tensor) -> Tensor:
        """Run the very same operation with another tensor for one argument.

        Every other tensor argument is replaced by zeros: they may only hold positions along axes
        that carry no labels, so their values do not matter.
        """
        args = {name: _zeros(value) for name, value in self.args.items()}
        args[replaced] = tensor
        result: Tensor = self.target(**args)
        return result


def flat_labels(value: Any) -> Iterator[Labels]:
    """All labels within nested sequences."""
    if isinstance(value, Labels):
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from flat_labels(item)


def _zeros(value: Any) -> Any:
    if isinstance(value, Labels):
        return torch.zeros(value.shape, dtype=torch.int64)
    if isinstance(value, (list, tuple)):
        return type(value)(_zeros(item) for item in value)
    return value
