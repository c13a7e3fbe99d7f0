"""What a report says of tables: their bytes always, maps and shared rows only where there are."""

from __future__ import annotations

from typing import Any

from edgeprune.report.story_tables import tell_tables


def _table(size: int, read: int) -> list[dict[str, Any]]:
    return [{"share": 0.9, "bytes": size, "bytes_per_sample": read}]


_TABLES = {"dense_student": _table(4096, 64), "student": _table(1024, 16)}


def test_nothing_is_said_without_tables(make_report: Any) -> None:
    assert list(tell_tables(make_report())) == []


def test_bytes_are_told_before_and_after(make_report: Any) -> None:
    ((told, tone),) = tell_tables(make_report(extra={"tables": _TABLES}))
    assert "4,096 bytes became 1,024, of which a sample reads 16." in told
    assert "shared" not in told
    assert tone == "plain"


def test_shared_rows_are_told_with_their_map(make_report: Any) -> None:
    rows = {"table": "user", "ids": 100, "rows": 51, "shared": 1, "tail_share": 0.1}
    first, second = tell_tables(make_report(extra={"tables": _TABLES, "table_rows": [rows]}))
    assert "1,024, maps of shared rows counted, of which" in first[0]
    assert second[0].startswith("user: 100 ids read 51 rows, 1 of them shared")
