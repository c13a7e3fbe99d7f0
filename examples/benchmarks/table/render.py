"""A table for the terminal and as Markdown, and the sentences that go with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from rich.box import SIMPLE_HEAD
from rich.table import Table

from edgeprune.report.numerals import ABSENT, compact, count, epochs, interval, milliseconds
from table.results import RANKING_LEAD, Results, RowResult

HEADINGS = ("row", "seeds", "epochs", "params", "MACs", "top-1 %", "− dense SAD [95 %]",
            "p50 ms", "× dense")  # fmt: skip
_WIDE_ONLY = ("seeds", "MACs", "p50 ms")  # a terminal has no room for them


def lead_line(results: Results) -> str:
    """The teacher's lead, which decides what the table can say."""
    if results.lead.difference is None:
        return "The teacher's lead over the dense CE student is not known yet: run row dense-ce."
    lead = results.lead.difference
    line = (
        f"Teacher {results.teacher_top1:.2f} %, {interval(lead)} points over the dense student "
        "trained with cross-entropy."
    )
    if results.can_rank:
        return line
    return f"{line} Under {RANKING_LEAD:g} points this table cannot rank distillation methods."


def cells(result: RowResult, results: Results) -> list[str]:
    """One row, in the order of `HEADINGS`."""
    spread = result.top1
    deviation = "" if spread.std is None else f" ± {spread.std:.2f}"
    duel = results.to_dense.get(result.row.name)
    return [
        _label(result),
        str(spread.count),
        _epochs(result),
        count(result.mean(lambda seed: seed.size["params"])),
        compact(result.mean(lambda seed: seed.size["macs"])),
        f"{spread.mean:.2f}{deviation}",
        ABSENT if duel is None else interval(duel.difference),
        *_latency(result),
    ]


def words(results: Results) -> list[str]:
    """Against what each method wins, loses, or does neither."""
    lines = []
    labels = {result.row.name: _label(result) for result in results.rows}
    for name in dict.fromkeys(duel.first for duel in results.duels):
        mine = [duel for duel in results.duels if duel.first == name]
        for verdict, spoken in _SPOKEN.items():
            shown = [
                f"{labels[duel.second]} {interval(duel.difference)}"
                for duel in mine
                if duel.verdict == verdict
            ]
            if shown:
                lines.append(f"{labels[name]} {spoken} {', '.join(shown)}.")
    return lines


def notes() -> list[str]:
    """How to read the figures."""
    return [
        "Epochs: before the last training of the network + that training.",
        "Differences in points, with paired bootstrap 95 % intervals over test images and seeds; "
        "no correction for the number of comparisons.",
        "p50: ONNX Runtime, batch 1; × dense is measured within one run, p50 of different rows at "
        "different times.",
    ]


def terminal_table(results: Results, title: str) -> Table:
    """The rows, for rich."""
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False,
                  padding=(0, 1, 0, 0))  # fmt: skip
    shown = [number for number, heading in enumerate(HEADINGS) if heading not in _WIDE_ONLY]
    for number in shown:
        justify: Literal["left", "right"] = "right" if number else "left"
        table.add_column(HEADINGS[number], justify=justify, no_wrap=number > 0, overflow="fold")
    for result in results.rows:
        found = cells(result, results)
        style = "bold" if result.row.is_own else None
        table.add_row(*(found[number] for number in shown), style=style)
    return table


def markdown(results: Results, title: str, conditions: Sequence[str]) -> str:
    """The same as Markdown."""
    lines = [f"**{title}**", "", lead_line(results), ""]
    lines.append(f"| {' | '.join(HEADINGS)} |")
    lines.append("|---|" + "---:|" * (len(HEADINGS) - 1))
    for result in results.rows:
        found = cells(result, results)
        if result.row.is_own:
            found[0] = f"**{found[0]}**"
        lines.append(f"| {' | '.join(found)} |")
    lines.append("")
    lines += [f"- {line}" for line in words(results)]
    lines += ["", " ".join([*notes(), *conditions]), ""]
    return "\n".join(lines)


_SPOKEN = {
    "wins": "wins against",
    "loses": "does not win, it is worse than",
    "no clear difference": "does not win, with no clear difference to",
}


def _label(result: RowResult) -> str:
    if result.row.kind != "best":
        return result.row.label
    report = next(iter(result.seeds.values())).report
    method = report.method.upper().replace("_", "-")
    return f"{method}, {100 * report.size_reduction:.0f} % fewer parameters"


def _epochs(result: RowResult) -> str:
    """`15`, or `12 + 15` with what came before the last training."""
    report = next(iter(result.seeds.values())).report
    is_control = result.row.kind == "control"
    before = 0.0 if is_control or not report.search_epochs else report.search_epochs
    return f"{epochs(before)} + {report.epochs}" if before else str(report.epochs)


def _latency(result: RowResult) -> list[str]:
    """p50 and its ratio to the dense student's; controls have no exported network."""
    if result.row.network != "student":
        return [ABSENT, ABSENT]
    mine = result.mean(lambda seed: _p50(seed.report.latency_ms, "student"))
    dense = result.mean(lambda seed: _p50(seed.report.latency_ms, "dense_student"))
    ratio = ABSENT if mine is None or not dense else f"{mine / dense:.2f}"
    return [milliseconds(mine), ratio]


def _p50(latencies: object, name: str) -> float | None:
    found = latencies.get(name) if isinstance(latencies, dict) else None
    return None if found is None else float(found["p50"])
