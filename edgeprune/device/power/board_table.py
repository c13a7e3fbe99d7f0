"""Which rails of a board add up to its power: the table `boards.json`.

A rail that another one feeds is no part of a sum (an AGX Orin's VDDQ comes from VIN_SYS_5V0), and
totals of different scopes are never compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Iterable

from edgeprune.device.power.sensor import Total
from edgeprune.device.probe.board_model import BoardModel, board_model
from edgeprune.device.tables import read_table


@dataclass(frozen=True)
class PowerBoard:
    """A board's rails.

    Attributes:
        name: such as `jetson-orin-nano`.
        modules: NVIDIA's part numbers, as they stand in `compatible`.
        models: parts of what the device tree calls it.
        rails: that it always has; empty where it has no monitor.
        totals: sums in the order of preference; the first whose rails are all there counts.
    """

    name: str
    modules: tuple[str, ...]
    models: tuple[str, ...]
    rails: tuple[str, ...]
    totals: tuple[Total, ...]

    def total_of(self, rails: Iterable[str]) -> Total:
        """The best sum that these rails allow."""
        shown = set(rails)
        for total in self.totals:
            if shown.issuperset(total.rails):
                return total
        if not self.rails:
            return Total((), None, f"a {self.name} has no power monitor: no total")
        lacking = ", ".join(rail for rail in self.rails if rail not in shown)
        return Total(
            (), None, f"the total of a {self.name} needs {lacking}, which is not shown: run as root"
        )


def power_boards() -> tuple[PowerBoard, ...]:
    """Every board of the table."""
    table = read_table("boards.json", "edgeprune.device.power")
    return tuple(
        PowerBoard(
            name,
            tuple(row["modules"]),
            tuple(row["models"]),
            tuple(row["rails"]),
            tuple(Total(tuple(total["rails"]), total["scope"]) for total in row["totals"]),
        )
        for name, row in table.items()
    )


def find_power_board(found: BoardModel) -> PowerBoard | None:
    """The row of a board, by its module's number, else by its name; None for an unknown one."""
    boards = power_boards()
    for exact in found.compatible:
        for board in boards:
            if any(module in exact for module in board.modules):
                return board
    for board in boards:
        if any(model.lower() in found.model.lower() for model in board.models):
            return board
    return None


def total_on(root: Path, rails: Iterable[str]) -> Total:
    """What these rails add up to on this board.

    Args:
        root: where `sys` hangs.
        rails: that a sensor shows.
    """
    found = board_model(root)
    board = find_power_board(found)
    if board is None:
        called = found.model or "a board without a device tree"
        return Total(
            (), None, f"{called} is not in the table of boards: rails one by one, and no total"
        )
    return board.total_of(rails)
