"""Headline figures and tables of a deploy's page."""

from __future__ import annotations

from dataclasses import dataclass

from edgeprune.deploy.deployment import Deployment
from edgeprune.device.bench.energy_result import FASTEST, LOADS, LoadEnergy
from edgeprune.device.bench.result import Benchmark, ModelTimes
from edgeprune.device.bench.spread import Ratio
from edgeprune.report.energy_table import load_words
from edgeprune.report.numerals import ABSENT, compact, count, joules, milliseconds, ratio, watts

HEADINGS = (
    "parameters", "MACs", "MB",
    "p50 ms", "± spread", "p90 ms", "p99 ms", "GPU ms", "samples/s", "latency ×",
)  # fmt: skip
ENERGY_HEADINGS = ("gross", "± spread", "net", "mean W", "peak W", "gross ×")


@dataclass(frozen=True)
class Tile:
    """A headline figure."""

    name: str
    value: str
    note: str


@dataclass(frozen=True)
class Row:
    """A network in a table."""

    name: str
    role: str
    cells: tuple[str, ...]


@dataclass(frozen=True)
class EnergyTable:
    """The energy of all networks under a load."""

    title: str
    rows: tuple[Row, ...]


def tiles_of(done: Deployment, found: Benchmark | None) -> list[Tile]:
    """Latency, energy and size."""
    tiles = []
    if found is not None:
        last = found.models[-1]
        tiles.append(Tile(f"Latency of the {last.name}, p50", f"{milliseconds(last.p50_ms)} ms",
                          f"p99 {milliseconds(last.p99_ms)} ms, batch {found.batch}"))  # fmt: skip
        for name, ratio in found.ratios.items():
            span = f"[{ratio.low:.2f}, {ratio.high:.2f}] of its latency"
            tiles.append(Tile(f"{name} against {found.models[0].name}",
                              f"{1 / ratio.ratio:.2f}× as fast", span))  # fmt: skip
    tiles += _energy_tiles(found)
    sizes = [about["parameters"] for about in done.models.values()]
    if len(sizes) > 1 and all(sizes):
        before, after = sizes[0], sizes[-1]
        tiles.append(Tile("Parameters", f"−{100 * (1 - after / before):.1f} %",
                          f"{count(before)} → {count(after)}"))  # fmt: skip
    return tiles


def _energy_tiles(found: Benchmark | None) -> list[Tile]:
    if found is None or found.energy is None or found.energy_run is None:
        return []
    run, (name, loads) = found.energy_run, list(found.energy.items())[-1]
    cost = loads[FASTEST]
    note = f"net {joules(cost.net_j)}, {run.scope} by {run.sensor}"
    tiles = [Tile(f"Energy of an inference, {name}", joules(cost.gross_j), note)]
    compared = run.ratios[FASTEST].get(name)
    if compared is not None:
        span = f"[{compared.low:.2f}, {compared.high:.2f}] of its energy"
        tiles.append(Tile(f"{name} against {found.models[0].name}, energy",
                          f"{compared.ratio:.2f}×", span))  # fmt: skip
    return tiles


def rows_of(done: Deployment, found: Benchmark | None) -> list[Row]:
    """Every network with its size and times."""
    times = {} if found is None else {model.name: model for model in found.models}
    rows = []
    for name, about in done.models.items():
        size = (count(about["parameters"]), compact(about["macs"]), f"{about['bytes'] / 1e6:.2f}")
        compared = found.ratios.get(name) if found is not None else None
        rows.append(Row(name, _role(name), (*size, *_time_cells(times.get(name), compared))))
    return rows


def _time_cells(model: ModelTimes | None, compared: Ratio | None) -> tuple[str, ...]:
    if model is None:
        return (ABSENT,) * 7
    return (
        milliseconds(model.p50_ms),
        milliseconds(model.spread_ms),
        milliseconds(model.p90_ms),
        milliseconds(model.p99_ms),
        milliseconds(model.device_p50_ms),
        f"{model.throughput_hz:,.0f}",
        ABSENT if compared is None else f"{compared.ratio:.3f}",
    )


def energy_tables_of(found: Benchmark | None) -> list[EnergyTable]:
    """One for each load; none where no energy was measured."""
    if found is None or found.energy is None or found.energy_run is None:
        return []
    run = found.energy_run
    return [
        EnergyTable(
            load_words(load, run),
            tuple(
                Row(name, _role(name), _energy_cells(loads[load], run.ratios[load].get(name)))
                for name, loads in found.energy.items()
            ),
        )
        for load in LOADS
    ]


def _energy_cells(cost: LoadEnergy, compared: Ratio | None) -> tuple[str, ...]:
    return (
        joules(cost.gross_j),
        joules(cost.gross_spread_j),
        joules(cost.net_j),
        watts(1000 * cost.mean_w),
        watts(1000 * cost.peak_w),
        ratio(compared),
    )


def _role(name: str) -> str:
    return "student" if name == "student" else "dense"
