"""The rows of a table, and which run folder and which network in it each one reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from edgeprune.recipe import METHODS, Control, Method
from table.settings import Setting

FIRST: Method = METHODS[0]  # the dense students are trained as controls of its run
DENSE_CE, DENSE_SAD = "dense-ce", "dense"
BEST = "best"

Kind = Literal["control", "method", "peer", "best"]


@dataclass(frozen=True)
class Row:
    """One network, trained once per seed.

    Attributes:
        name: as given to `--rows`.
        label: as printed.
        method: whose run it belongs to; for the peer, the tool that made it.
        control: control of that run; for the peer, the dense student it starts from.
    """

    name: str
    label: str
    kind: Kind
    method: str
    control: Control | None = None

    @property
    def folder(self) -> str:
        """The run folder's name, below the seed's."""
        return self.method if self.kind in ("control", "method") else self.name

    @property
    def network(self) -> str:
        """Its name among the run's test predictions."""
        return f"control_{self.control}" if self.kind == "control" else "student"

    @property
    def is_own(self) -> bool:
        """Whether one of the three methods made it."""
        return self.kind in ("method", "best")


def rows_of(setting: Setting) -> tuple[Row, ...]:
    """Every row of the table, in its order."""
    methods = [Row(method, _spoken(method), "method", method) for method in METHODS]
    controls = [
        Row(f"{method}/{control}", f"{_spoken(method)}: {control}", "control", method, control)
        for method in METHODS
        for control in setting.controls
    ]
    best = [Row(BEST, "best method", "best", BEST)] if setting.smaller is not None else []
    return (
        Row(DENSE_CE, "dense CE", "control", FIRST, "dense-ce"),
        Row(DENSE_SAD, "dense SAD", "control", FIRST, "dense"),
        *methods,
        Row("peer-ce", "Torch-Pruning + CE", "peer", "torch_pruning", "dense-ce"),
        Row("peer-sad", "Torch-Pruning + SAD", "peer", "torch_pruning", "dense"),
        *best,
        *controls,
    )


def with_needs(wanted: Sequence[Row], every: Sequence[Row]) -> tuple[Row, ...]:
    """The wanted rows and those they start from, in the order of the table."""
    names = {row.name for row in wanted}
    for row in wanted:
        if row.kind == "peer":
            names.update((str(row.control), FIRST))
        elif row.kind == "best":
            names.update(METHODS)
        elif row.kind == "control":
            names.add(row.method)
    return tuple(row for row in every if row.name in names)


def _spoken(method: str) -> str:
    return method.upper().replace("_", "-")
