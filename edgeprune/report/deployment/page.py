"""deploy.html: one file with everything in it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from edgeprune.atomic import write_text_atomic
from edgeprune.deploy.deployment import Deployment
from edgeprune.deploy.plain import from_plain
from edgeprune.device.bench.result import Benchmark
from edgeprune.device.probe.tegra import L4t
from edgeprune.report.benchmark_table import lines as benchmark_lines
from edgeprune.report.deployment.conditions import condition_facts
from edgeprune.report.deployment.lines import (
    benchmark_of,
    engine_lines,
    speed_line,
    transfer_line,
    verify_lines,
)
from edgeprune.report.deployment.race import RACE_HEADINGS, race_line, race_rows, race_verdict
from edgeprune.report.deployment.tables import (
    ENERGY_HEADINGS,
    HEADINGS,
    energy_tables_of,
    rows_of,
    tiles_of,
)
from edgeprune.report.energy_table import energy_lines
from edgeprune.report.numerals import ABSENT, count, duration
from edgeprune.report.page import render_page


def write_page(done: Deployment, path: Path) -> Path:
    """Write `deploy.html`.

    Raises:
        UnsupportedError: jinja2 is not installed.
    """
    write_text_atomic(path, render_deployment(done))
    return path


def render_deployment(done: Deployment) -> str:
    """The text of deploy.html."""
    found = benchmark_of(done)
    board = done.probe["board"] or done.host
    return render_page(
        "deploy.html.j2",
        f"{done.run} on {board}",
        f"{done.target}, JetPack {done.system}, {done.precision}, {done.build['runtime']}"
        if done.probe["l4t"]
        else f"{done.target}, {done.precision}, {done.build['runtime']}",
        tiles=tiles_of(done, found),
        statements=_statements(done),
        headings=HEADINGS,
        rows=rows_of(done, found),
        energy_headings=ENERGY_HEADINGS,
        energy=energy_tables_of(found),
        race_headings=RACE_HEADINGS,
        race=race_rows(done),
        race_note=race_line(done),
        warnings=[] if found is None else list(found.warnings),
        notes=[*([] if found is None else benchmark_lines(found)[:2]), *done.notes],
        energy_notes=[] if found is None else energy_lines(found),
        facts=_facts(done, found),
    )


def _statements(done: Deployment) -> list[tuple[str, str]]:
    told = [("sent", transfer_line(done))]
    told += [("built", line) for line in engine_lines(done)]
    told += [("checked", line) for line in verify_lines(done)]
    raced = race_verdict(done)
    told += [("raced", raced)] if raced else []
    verdict = speed_line(done)
    return [*told, ("measured", verdict)] if verdict else told


def _facts(done: Deployment, found: Benchmark | None) -> list[tuple[str, str]]:
    software, space = done.probe["software"], done.probe["space"]
    facts = [
        ("board", f"{done.probe['board'] or ABSENT} ({done.host})"),
        ("L4T", _l4t(done.probe["l4t"])),
        ("TensorRT", software["tensorrt"] or ABSENT),
        ("CUDA", software["cuda"] or ABSENT),
        ("Python", f"{software['python']}, {software['machine']}"),
        ("free memory", f"{count(space['free_memory_mib'])} of {count(space['memory_mib'])} MiB"),
        ("free disk", f"{count(space['free_disk_mib'])} MiB"),
    ]
    if found is not None:
        facts += condition_facts(found)
    return [*facts, ("the deploy took", duration(done.seconds)), ("by", done.made_by)]


def _l4t(told: Mapping[str, int] | None) -> str:
    return ABSENT if told is None else str(from_plain(L4t, told))
