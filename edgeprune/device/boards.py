"""What the boards' GPUs can do at most: clocks, multipliers, memory.

The table is `boards.json`, each row with the document it is from. Rates that belong to a compute
capability stand there once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from edgeprune.device.tables import read_table
from edgeprune.device.targets import UnknownTargetError


@dataclass(frozen=True)
class Board:
    """A module at its highest clocks.

    Attributes:
        name: such as `jetson-orin-nano-super`.
        sm: compute capability without the dot.
        sm_count: multiprocessors.
        clock_ghz: highest clock of the GPU.
        bandwidth_gb_s: of the DRAM, which the CPU shares.
        fp32_fma_per_clock: fused multiply-adds of an SM's CUDA cores per clock.
        fp16_fma_per_clock: the same in packed FP16.
        tensor_fma_per_clock: dense FP16 of an SM's tensor cores; 0 where there are none.
        shared_kib: shared memory of an SM.
        source: document of the module's figures.
        rates_source: document of the rates per clock.
        note: what else to know; empty where there is nothing.
    """

    name: str
    sm: str
    sm_count: int
    clock_ghz: float
    bandwidth_gb_s: float
    fp32_fma_per_clock: int
    fp16_fma_per_clock: int
    tensor_fma_per_clock: int
    shared_kib: int
    source: str
    rates_source: str
    note: str = ""

    @property
    def clocks_per_ms(self) -> float:
        """Of all SMs together."""
        return self.sm_count * self.clock_ghz * 1e6

    @property
    def bytes_per_ms(self) -> float:
        """Of the DRAM."""
        return self.bandwidth_gb_s * 1e6


def board_names() -> tuple[str, ...]:
    """Every board, in the order of the table."""
    return tuple(_table()["boards"])


def find_board(name: str, option: str = "board") -> Board:
    """The board of this name.

    Args:
        name: one of `board_names()`.
        option: what the user named it by, for the message.

    Raises:
        DeviceError: there is no such board. `exit_code` 2.
    """
    table = _table()
    if name not in table["boards"]:
        raise UnknownTargetError(
            f"{option} {name}: there is no such board; use {', '.join(table['boards'])}"
        )
    row: dict[str, Any] = dict(table["boards"][name])
    rates: dict[str, Any] = dict(table["architectures"][row["sm"]])
    return Board(name=name, rates_source=rates.pop("source"), **row, **rates)


def boards_with(sm: str) -> tuple[Board, ...]:
    """All boards of a compute capability (without the dot), in the order of the table."""
    boards = (find_board(name) for name in board_names())
    return tuple(board for board in boards if board.sm == sm)


def _table() -> dict[str, Any]:
    return read_table("boards.json")
