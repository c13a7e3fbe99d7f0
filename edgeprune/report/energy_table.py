"""The energy of a benchmark as the terminal shows it: joules first, watts second."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgeprune.device.bench.energy_result import AT_RATE, FASTEST, LOADS, EnergyRun, LoadEnergy
from edgeprune.device.bench.result import Benchmark
from edgeprune.device.bench.spread import Ratio
from edgeprune.report.numerals import joules, ratio, watts

if TYPE_CHECKING:
    from rich.table import Table


def energy_tables(found: Benchmark) -> list[Table]:
    """One for each load; none where no energy was measured."""
    run = found.energy_run
    if found.energy is None or run is None:
        return []
    return [_table(found, found.energy, run, load) for load in LOADS]


def _table(
    found: Benchmark, energy: dict[str, dict[str, LoadEnergy]], run: EnergyRun, load: str
) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    title = f"energy of an inference, {load_words(load, run)}"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("network", overflow="fold")
    for heading in ("gross", "± spread", "net", "mean W", "peak W", f"× {found.models[0].name}"):
        table.add_column(heading, justify="right", no_wrap=True)
    for name, loads in energy.items():
        table.add_row(*_row(name, loads[load], run.ratios[load].get(name)))
    return table


def _row(name: str, cost: LoadEnergy, compared: Ratio | None) -> tuple[str, ...]:
    return (
        name,
        joules(cost.gross_j),
        joules(cost.gross_spread_j),
        joules(cost.net_j),
        watts(1000 * cost.mean_w),
        watts(1000 * cost.peak_w),
        ratio(compared),
    )


def energy_lines(found: Benchmark) -> list[str]:
    """How it was measured, and what speaks against it, one line each."""
    run = found.energy_run
    if run is None:
        return []
    told = []
    if found.energy is None:
        told.append(f"energy: void, since {found.energy_reason}")
    else:
        told.append(_protocol(run))
        told += _reductions(found, run)
        told += [
            f"{name}: {loads[AT_RATE].late:.0%} of the requests at the fixed rate began late"
            for name, loads in found.energy.items()
            if loads[AT_RATE].late > 0.01
        ]
    return told + [f"energy: {note}" for note in run.notes]


def _protocol(run: EnergyRun) -> str:
    protocol, idle = run.protocol, run.idle
    baseline = ""
    if idle is not None and idle.after_w is not None:
        baseline = (
            f"idle {watts(1000 * idle.before_w)} W before and {watts(1000 * idle.after_w)} W after "
            f"({protocol.idle_s:g} s each), "
        )
    return (
        f"energy of {run.scope} by {run.sensor} at {run.readings_hz:.1f} Hz: {baseline}"
        f"{protocol.repeats} repeats of {protocol.window_s:g} s each, in turns; net: without idle"
    )


def _reductions(found: Benchmark, run: EnergyRun) -> list[str]:
    """Mean power of each further network beside the first's, in words."""
    assert found.energy is not None
    first, *others = found.energy
    told = []
    for name in others:
        for load in LOADS:
            change = found.energy[name][load].mean_w / found.energy[first][load].mean_w - 1
            way = "less" if change < 0 else "more"
            told.append(
                f"{name}: {abs(change):.1%} {way} mean power than {first}, "
                f"{load_words(load, run)} ({run.scope})"
            )
    return told


def load_words(load: str, run: EnergyRun) -> str:
    """Which load it is."""
    return "as fast as it goes" if load == FASTEST else f"{run.rate_hz:.4g} requests a second"
