"""deploy.html: one file with everything in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from edgeprune.atomic import write_text_atomic
from edgeprune.deploy.deployment import Deployment
from edgeprune.deploy.plain import from_plain
from edgeprune.device.bench.conditions import Conditions
from edgeprune.device.bench.result import Benchmark
from edgeprune.device.probe.tegra import L4t
from edgeprune.report.benchmark_table import lines as benchmark_lines
from edgeprune.report.deployment.lines import (
    benchmark_of,
    engine_lines,
    speed_line,
    transfer_line,
    verify_lines,
)
from edgeprune.report.numerals import ABSENT, compact, count, duration, milliseconds
from edgeprune.report.page import render_page


@dataclass(frozen=True)
class Tile:
    """A headline figure."""

    name: str
    value: str
    note: str


@dataclass(frozen=True)
class Row:
    """A network in the table."""

    name: str
    role: str
    cells: tuple[str, ...]


HEADINGS = (
    "parameters", "MACs", "MB", "p50 ms", "± spread", "p90 ms", "p99 ms", "samples/s", "latency ×",
)  # fmt: skip


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
        tiles=_tiles(done, found),
        statements=_statements(done),
        headings=HEADINGS,
        rows=_rows(done, found),
        warnings=[] if found is None else list(found.warnings),
        notes=[*([] if found is None else benchmark_lines(found)[:2]), *done.notes],
        facts=_facts(done, found),
    )


def _tiles(done: Deployment, found: Benchmark | None) -> list[Tile]:
    tiles = []
    if found is not None:
        last = found.models[-1]
        tiles.append(Tile(f"Latency of the {last.name}, p50", f"{milliseconds(last.p50_ms)} ms",
                          f"p99 {milliseconds(last.p99_ms)} ms, batch {found.batch}"))  # fmt: skip
        for name, ratio in found.ratios.items():
            span = f"[{ratio.low:.2f}, {ratio.high:.2f}] of its latency"
            tiles.append(Tile(f"{name} against {found.models[0].name}",
                              f"{1 / ratio.ratio:.2f}× as fast", span))  # fmt: skip
    sizes = [about["parameters"] for about in done.models.values()]
    if len(sizes) > 1 and all(sizes):
        before, after = sizes[0], sizes[-1]
        tiles.append(Tile("Parameters", f"−{100 * (1 - after / before):.1f} %",
                          f"{count(before)} → {count(after)}"))  # fmt: skip
    return tiles


def _statements(done: Deployment) -> list[tuple[str, str]]:
    told = [("sent", transfer_line(done))]
    told += [("built", line) for line in engine_lines(done)]
    told += [("checked", line) for line in verify_lines(done)]
    verdict = speed_line(done)
    return [*told, ("measured", verdict)] if verdict else told


def _rows(done: Deployment, found: Benchmark | None) -> list[Row]:
    times = {} if found is None else {model.name: model for model in found.models}
    rows = []
    for name, about in done.models.items():
        cells = [count(about["parameters"]), compact(about["macs"]), f"{about['bytes'] / 1e6:.2f}"]
        model = times.get(name)
        if model is None:
            cells += [ABSENT] * 6
        else:
            cells += [milliseconds(value) for value in (
                model.p50_ms, model.spread_ms, model.p90_ms, model.p99_ms)]  # fmt: skip
            ratio = found.ratios.get(name) if found is not None else None
            cells += [f"{model.throughput_hz:,.0f}", f"{ratio.ratio:.3f}" if ratio else ABSENT]
        rows.append(Row(name, "student" if name == "student" else "dense", tuple(cells)))
    return rows


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
        facts += [(f"{name} before, after", value) for name, value in _both(found)]
    return [*facts, ("the deploy took", duration(done.seconds)), ("by", done.made_by)]


def _l4t(told: Mapping[str, int] | None) -> str:
    return ABSENT if told is None else str(from_plain(L4t, told))


def _both(found: Benchmark) -> list[tuple[str, str]]:
    """How the machine stood before and after, where it tells."""
    told = []
    for name in Conditions.__dataclass_fields__:
        before, after = getattr(found.before, name), getattr(found.after, name)
        if before is not None or after is not None:
            same = before == after
            told.append((name.replace("_", " "), f"{before}" if same else f"{before}, {after}"))
    return told
