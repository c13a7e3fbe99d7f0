"""The results as tables, and what they amount to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.table import Table

Row = Mapping[str, Any]


def speed_up(row: Row, way: str, vector: int, density: float, clock: str = "cpu_p50") -> float:
    """How many times as fast as dense the median is.

    Args:
        way: `kernel` or `runtime`.
        clock: `p50` of the wall or `cpu_p50` of the process.
    """
    times = row["us"]
    return float(times["dense"][clock] / times[f"{way} {vector} {density}"][clock])


def tables(result: Mapping[str, Any]) -> Iterator[Table]:
    """One for each batch size and V."""
    clock = result["clock"]
    for batch in result["batches"]:
        for vector in result["vectors"]:
            yield _table(result, batch, vector, clock)


def _table(result: Mapping[str, Any], batch: int, vector: int, clock: str) -> Table:
    shown = Table(
        title=f"batch {batch}, V {vector}: times as fast as ONNX Runtime's dense convolution",
        caption=f"the kernel alone | through ONNX Runtime; medians, clock: {clock}",
    )
    shown.add_column("layer")
    shown.add_column("dense µs (p10-p90)", justify="right")
    for density in result["densities"]:
        shown.add_column(f"{density:.0%}", justify="right")
    for row in _rows(result, batch):
        dense = row["us"]["dense"]
        cells = [
            f"{speed_up(row, 'kernel', vector, density, clock):.2f} | "
            f"{speed_up(row, 'runtime', vector, density, clock):.2f}"
            for density in result["densities"]
        ]
        spread = f"{dense['p50']:.0f} ({dense['p10']:.0f}-{dense['p90']:.0f})"
        shown.add_row(row["layer"], spread, *cells)
    return shown


def summary(result: Mapping[str, Any]) -> list[str]:
    """At each density: how many layers are faster, and the slowest, middle and fastest."""
    lines = []
    for way in ("kernel", "runtime"):
        for density in result["densities"]:
            ratios = sorted(
                speed_up(row, way, vector, density, result["clock"])
                for row in result["rows"]
                for vector in result["vectors"]
            )
            wins = sum(ratio > 1 for ratio in ratios)
            lines.append(
                f"{way} at {density:.0%}: faster in {wins} of {len(ratios)} cases; "
                f"{ratios[0]:.2f}, {ratios[len(ratios) // 2]:.2f}, {ratios[-1]:.2f} times as fast"
            )
    return lines


def _rows(result: Mapping[str, Any], batch: int) -> Sequence[Row]:
    return [row for row in result["rows"] if row["batch"] == batch]
