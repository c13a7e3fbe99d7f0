"""A verification as the terminal shows it: a table, then what the figures need to be read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from edgeprune.report.numerals import ABSENT, interval
from edgeprune.statistics import list_length
from edgeprune.verify.divergence import Divergence, LayerNoise
from edgeprune.verify.report import Comparison, VerifyReport

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

_METRIC = {"top1_percent": "top-1 %", "mse": "MSE"}


def verify_table(report: VerifyReport) -> RenderableType:
    """Ready for `rich.console.Console.print`."""
    from rich.console import Group
    from rich.text import Text

    return Group(_figures(report), *(Text(line) for line in lines(report)))


def _figures(report: VerifyReport) -> Table:
    """Fits 80 columns: what belongs together stands one above the other."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    samples = "images" if report.metric_name == "top1_percent" else "samples"
    title = f"{report.source} on {report.images} test {samples} of {report.data}"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("network", overflow="fold")
    length = list_length(report.metric_name)
    metric = f"HR@{length}" if length else _METRIC[report.metric_name]
    for heading in (metric, "difference", "agree %", "max error", "dB"):
        table.add_column(heading, justify="right", no_wrap=True)
    digits = 2 if report.metric_name.endswith("_percent") else 4
    table.add_row("PyTorch\nfp32", _figure(report.metric_pytorch, f".{digits}f"))
    for found in report.comparisons:
        table.add_row(*_row(found, digits), style="red" if found.misses else None)
    return table


def _row(found: Comparison, digits: int) -> tuple[str, ...]:
    absolute, relative = _figure(found.max_abs_error, ".1e"), _figure(found.max_rel_error, ".1e")
    return (
        f"{Path(found.graph).name}\n{found.precision}, {found.backend}",
        _figure(found.metric, f".{digits}f"),
        interval(found.metric_difference, digits).replace(" [", "\n["),
        _figure(found.agreement_percent, ".2f"),
        f"{absolute}\nrel {relative}",
        _figure(found.snr_db, ".0f"),
    )


def _figure(value: float | None, form: str) -> str:
    return ABSENT if value is None else format(value, form)


def lines(report: VerifyReport) -> Iterator[str]:
    """What the table does not say, a line each."""
    notes: dict[str, list[str]] = {}
    for found in report.comparisons:
        for note in found.notes:
            notes.setdefault(f"on {found.backend}: {note}", []).append(Path(found.graph).name)
    for note, names in notes.items():
        yield f"{', '.join(names)} {note}"
    for divergence in report.divergences:
        yield f"{Path(divergence.graph).name}: {_told(divergence)}"


def _told(found: Divergence) -> str:
    with_what = (
        "PyTorch's modules" if found.compared_with == "pytorch modules" else "the fp32 graph"
    )
    seen = f"{len(found.layers)} of {found.values} values compared with {with_what}"
    if not found.layers:
        return f"{seen}; its layers cannot be told apart"
    diverged = (
        f"none below {found.min_snr_db:g} dB"
        if found.first is None
        else f"first below {found.min_snr_db:g} dB: {_place(found.first)}"
    )
    fall = found.largest_fall
    falls = "" if fall is None else f"; largest fall: {_place(fall)}, by {fall.fall_db:.0f} dB"
    return f"{seen}, {diverged}{falls}"


def _place(layer: LayerNoise) -> str:
    folded = layer.counterpart not in (layer.layer, layer.value, "")
    through = f" (with {layer.counterpart})" if folded else ""
    return f"{layer.layer}{through} at {layer.snr_db:.0f} dB"
