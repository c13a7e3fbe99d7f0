"""Sparse layers that raced with dense ones, and what became of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edgeprune.deploy.deployment import Deployment
from edgeprune.report.numerals import ABSENT, milliseconds
from edgeprune.wording import counted

if TYPE_CHECKING:
    from rich.console import RenderableType

RACE_HEADINGS = ("dense ms", "sparse ms", "became")
_STAYED, _BACK = "sparse", "dense again"


@dataclass(frozen=True)
class RacedRow:
    """Layers that were judged together, mostly one."""

    layers: str
    cells: tuple[str, str, str]


def race_rows(done: Deployment) -> list[RacedRow]:
    """Every sparse layer once."""
    if done.race is None:
        return []
    back = set(done.race["back"])
    return [
        *(_row(found, back) for found in done.race["comparisons"]),
        *(
            RacedRow(name, (ABSENT, ABSENT, f"{_BACK}: the profile does not name it"))
            for name in done.race["unknown"]
        ),
    ]


def race_line(done: Deployment) -> str:
    """Where, when and by whom the times were measured; empty where nothing raced."""
    race = done.race
    if race is None:
        return ""
    board = done.probe["board"]
    return (
        f"measured on {f'{board} ({done.host})' if board else done.host} by {race['profiler']}, "
        f"{race['runtime']}, batch {race['batch']}, {race['at']}; all layers together "
        f"{milliseconds(race['dense_ms'])} ms dense and {milliseconds(race['sparse_ms'])} ms sparse"
    )


def race_verdict(done: Deployment) -> str:
    """In a sentence; empty where nothing raced."""
    if done.race is None:
        return ""
    names = [name for found in done.race["comparisons"] for name in found["layers"]]
    names += done.race["unknown"]
    back = len(set(done.race["back"]))
    if not back:
        return f"none of {counted(len(names), 'sparse layer')} lost to the same layer dense"
    return f"{back} of {counted(len(names), 'sparse layer')} went back to dense"


def race_table(done: Deployment) -> RenderableType:
    """For the terminal."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("sparse layer", overflow="fold")
    for heading in RACE_HEADINGS:
        table.add_column(heading, justify="right")
    for row in race_rows(done):
        table.add_row(row.layers, *row.cells)
    return Group(table, Text(f"{race_verdict(done)}; {race_line(done)}"))


def _row(found: Mapping[str, Any], back: set[str]) -> RacedRow:
    became = _BACK if back.intersection(found["layers"]) else _STAYED
    times = milliseconds(found["dense_ms"]), milliseconds(found["sparse_ms"])
    return RacedRow(", ".join(found["layers"]), (*times, became))
