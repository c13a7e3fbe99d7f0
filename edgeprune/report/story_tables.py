"""What a run's tables hold: parameters and bytes, which no multiplication shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from edgeprune.report.numerals import count, share
from edgeprune.report.run_report import RunReport

Tone = Literal["good", "warning", "plain"]


def tell_tables(report: RunReport) -> Iterator[tuple[str, Tone]]:
    """(sentence, tone): the tables' share before and after, and which ids share rows."""
    tables = report.extra.get("tables")
    if not tables:
        return
    dense, student = tables["dense_student"], tables["student"]
    shared = report.extra.get("table_rows", ())
    maps = ", maps of shared rows counted" if shared else ""
    yield (
        f"Tables hold {_share(dense)} of the dense student's parameters and {_share(student)} of "
        f"the student's: {count(_sum(dense, 'bytes'))} bytes became "
        f"{count(_sum(student, 'bytes'))}{maps}, of which a sample reads "
        f"{count(_sum(student, 'bytes_per_sample'))}. Lookups are not multiply-accumulates.",
        "plain",
    )
    for table in shared:
        yield (
            f"{table['table']}: {count(table['ids'])} ids read {count(table['rows'])} rows, "
            f"{count(table['shared'])} of them shared by the rare ones, which were "
            f"{share(table['tail_share'])} of the training's lookups.",
            "plain",
        )


def _sum(tables: Sequence[Mapping[str, Any]], key: str) -> int:
    return sum(int(table[key]) for table in tables)


def _share(tables: Sequence[Mapping[str, Any]]) -> str:
    return share(sum(float(table["share"]) for table in tables))
