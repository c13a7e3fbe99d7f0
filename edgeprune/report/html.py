"""report.html: one file with everything in it, for a run."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgeprune.atomic import write_text_atomic
from edgeprune.report.numerals import compact, count, interval, milliseconds, share
from edgeprune.report.page import render_page
from edgeprune.report.plots.layers import plot_layers
from edgeprune.report.plots.svg import require_matplotlib
from edgeprune.report.plots.tradeoff import Point, plot_tradeoff
from edgeprune.report.plots.training import plot_accuracy, plot_width
from edgeprune.report.rows import DENSE, STUDENT, NetworkRow, metric_of, network_rows, row_of
from edgeprune.report.run_files import HistoryRow, Predictions, load_history, load_predictions
from edgeprune.report.run_report import RunReport
from edgeprune.report.story import tell
from edgeprune.report.story_speed import speedup
from edgeprune.report.terminal import title_of
from edgeprune.wording import counted

HTML_NAME = "report.html"


@dataclass(frozen=True)
class Tile:
    """A headline figure."""

    name: str
    value: str
    note: str


@dataclass(frozen=True)
class Plot:
    """A drawn figure and what stands above it."""

    title: str
    svg: str


def write_html(report: RunReport, folder: str | os.PathLike[str]) -> Path:
    """Write `report.html` into a run folder, from its report, history and test predictions.

    Raises:
        UnsupportedError: matplotlib or jinja2 is not installed.
        CorruptFileError: the history or the predictions are damaged.
    """
    return render_to(Path(folder) / HTML_NAME, report, folder)


def render_to(
    page: str | os.PathLike[str], report: RunReport, folder: str | os.PathLike[str]
) -> Path:
    """Write a run's page to `page`; otherwise as `write_html`."""
    write_text_atomic(page, render_run(report, load_history(folder), load_predictions(folder)))
    return Path(page)


def render_run(
    report: RunReport, history: Sequence[HistoryRow], predictions: Predictions | None
) -> str:
    """The text of report.html."""
    require_matplotlib()
    rows = network_rows(report, predictions)
    return render_page(
        "run.html.j2",
        title_of(report),
        _subtitle(report),
        tiles=_tiles(report, rows),
        statements=tell(report, rows),
        metric=metric_of(report),
        rows=rows,
        notes=[_differences_note(rows), _latency_note(report)],
        figures=_plots(report, rows, history),
        layers=plot_layers(report.extra.get("layers") or ()),
        seed_runs=report.seed_runs,
        skipped=report.skipped,
        facts=_facts(report),
    )


def _subtitle(report: RunReport) -> str:
    before = (
        f" after {counted(report.search_epochs, 'epoch')} of search" if report.search_epochs else ""
    )
    return f"{counted(report.epochs, 'epoch')} of training{before}"


def _tiles(report: RunReport, rows: list[NetworkRow]) -> list[Tile]:
    student, dense = report.student, report.dense_student
    tiles = [
        Tile(
            "Parameters, physically",
            _change(report.size_reduction),
            f"{count(dense['params'])} → {count(student['params'])}",
        ),
        Tile(
            "Multiply-accumulates",
            _change(report.mac_reduction),
            f"{compact(dense['macs'])} → {compact(student['macs'])}",
        ),
        _speed_tile(rows),
        _accuracy_tile(report, rows),
    ]
    if student["mask_sparsity"] > 0:
        tiles.append(Tile("Mask sparsity", share(student["mask_sparsity"]), "zeros, not size"))
    qat = report.extra.get("qat")
    if qat is not None:
        metric = metric_of(report)
        note = "simulated, with the learned scales"
        tiles.append(Tile(f"Test {metric.label}, INT8", metric.text(qat["test"]["int8"]), note))
    return tiles


def _change(reduction: float) -> str:
    """`−60.0 %` of a reduction by 0.6."""
    return f"{'−' if reduction > 0 else '+' if reduction < 0 else ''}{share(abs(reduction))}"


def _speed_tile(rows: list[NetworkRow]) -> Tile:
    student, dense, factor = row_of(rows, STUDENT), row_of(rows, DENSE), speedup(rows)
    if student is None or dense is None or student.p50_ms is None:
        return Tile("Latency", "–", "not measured")
    if factor is None:
        return Tile("Latency, p50", f"{milliseconds(student.p50_ms)} ms", "dense not measured")
    medians = f"p50 {milliseconds(dense.p50_ms)} → {milliseconds(student.p50_ms)} ms"
    return Tile("Speed against the dense student", f"{factor:.2f}×", medians)


def _accuracy_tile(report: RunReport, rows: list[NetworkRow]) -> Tile:
    metric, dense = metric_of(report), row_of(rows, DENSE)
    note = "dense student not trained in this run"
    if dense is not None and dense.difference is not None:
        note = f"{interval(dense.difference, metric.digits)} {metric.points} against dense"
    elif dense is not None and dense.metric is not None:
        note = f"dense student {metric.text(dense.metric)}"
    return Tile(f"Test {metric.label}", metric.text(report.student["metric"]), note)


def _plots(report: RunReport, rows: list[NetworkRow], history: Sequence[HistoryRow]) -> list[Plot]:
    metric = metric_of(report)
    parameters = [Point(row.label, row.role, row.params, row.metric) for row in rows]
    latencies = [Point(row.label, row.role, row.p50_ms, row.metric) for row in rows]
    drawn = [
        (f"{metric.heading} over the epochs", plot_accuracy(history, metric)),
        ("Width over the epochs", plot_width(history)),
        (f"{metric.heading} against parameters",
         plot_tradeoff(parameters, metric, "by-params", "parameters")),
        (f"{metric.heading} against latency",
         plot_tradeoff(latencies, metric, "by-latency", "p50 latency, ms")),
    ]  # fmt: skip
    return [Plot(title, svg) for title, svg in drawn if svg is not None]


def _differences_note(rows: list[NetworkRow]) -> str:
    """How the intervals came about."""
    for row in rows:
        if row.difference is not None:
            return (
                f"Differences: paired bootstrap over {count(row.difference.samples)} test samples, "
                f"{100 * row.difference.level:.0f} % interval."
            )
    return "Differences: no test predictions are in the run folder, so there are no intervals."


def _latency_note(report: RunReport) -> str:
    """Where and how latency was measured, as far as the report says."""
    if not report.latency_ms:
        return "Latency was not measured."
    batch = report.extra.get("latency_batch")
    parts = [
        "Latency in ONNX Runtime, all networks in turns in one process",
        f"batch {batch}" if batch else "",
        str(report.versions.get("cpu") or ""),
    ]
    return ", ".join(part for part in parts if part) + "."


def _facts(report: RunReport) -> list[tuple[str, str]]:
    facts = [("method, preset", f"{report.method}, {report.preset}"), ("seed", str(report.seed))]
    return facts + [
        (name, "not installed" if value is None else str(value))
        for name, value in report.versions.items()
    ]
