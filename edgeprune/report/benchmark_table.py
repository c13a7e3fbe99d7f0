"""A benchmark as the terminal shows it: a table, its conditions, and what speaks against it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgeprune.device.bench.result import Benchmark, ModelTimes
from edgeprune.report.energy_table import energy_lines, energy_tables
from edgeprune.report.numerals import milliseconds, ratio
from edgeprune.wording import counted

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table


def benchmark_table(found: Benchmark) -> RenderableType:
    """Ready for `rich.console.Console.print`."""
    from rich.console import Group
    from rich.text import Text

    return Group(
        _figures(found),
        *energy_tables(found),
        *(Text(line) for line in [*lines(found), *energy_lines(found)]),
    )


def _figures(found: Benchmark) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("network", overflow="fold")
    alone = ["GPU ms"] if _tells_device(found) else []
    compared = f"× {found.models[0].name}"
    for heading in ("p50 ms", "± spread", "p90", "p99", *alone, "samples/s", compared):
        table.add_column(heading, justify="right", no_wrap=True)
    for model in found.models:
        table.add_row(*_row(found, model))
    return table


def _row(found: Benchmark, model: ModelTimes) -> tuple[str, ...]:
    return (
        model.name,
        milliseconds(model.p50_ms),
        milliseconds(model.spread_ms),
        milliseconds(model.p90_ms),
        milliseconds(model.p99_ms),
        *([milliseconds(model.device_p50_ms)] if _tells_device(found) else []),
        f"{model.throughput_hz:,.0f}",
        ratio(found.ratios.get(model.name)),
    )


def _tells_device(found: Benchmark) -> bool:
    """Whether a runtime told its accelerator's own time: `GPU ms`, median, without copies."""
    return any(model.device_p50_ms is not None for model in found.models)


def lines(found: Benchmark) -> list[str]:
    """Conditions and warnings, one each."""
    protocol = found.protocol
    load = "one after the other" if protocol.rate_hz is None else f"{protocol.rate_hz:g} a second"
    told = [
        f"{found.before.cpu}, {found.runtime}, {counted(found.threads, 'thread')}, "
        f"batch {found.batch}, requests {load}",
        f"{protocol.repeats} repeats of {protocol.seconds:g} s each, loaded anew, in turns; "
        "spread: largest less smallest median of the repeats; ratio of p50 with its 95 % interval",
    ]
    told += _sizes(found)
    told += [
        f"{model.name}: {model.late:.0%} of the requests began late: it cannot keep up this rate"
        for model in found.models
        if model.late > 0.01
    ]
    return told + [f"warning: {line}" for line in found.warnings]


def _sizes(found: Benchmark) -> list[str]:
    """What a core does and a file takes, where the files are known."""
    return [
        f"{model.name}: {found.per_core_hz(model):,.0f} samples/s a core, "
        f"{found.model_bytes[model.name] / 1e3:,.0f} kB"
        for model in found.models
        if model.name in found.model_bytes
    ]
