"""The tables that `edgeprune inspect` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table

from edgeprune.models.inspection import Inspection

if TYPE_CHECKING:
    from rich.console import RenderableType


def layer_table(found: Inspection) -> RenderableType:
    """One row per layer, the network's sums at the foot; the tables it looks up in below."""
    layers = _layers(found)
    return Group(layers, _tables(found)) if found.summary.tables else layers


def _layers(found: Inspection) -> Table:
    summary = found.summary
    table = Table(
        title=f"{found.arch}  ·  one {_sample(found)}", caption=_caption(found), show_footer=True
    )
    table.add_column("layer", footer="total", overflow="fold")
    table.add_column("kind")
    for name, footer in (
        ("in", ""),
        ("out", ""),
        ("parameters", f"{summary.params:,}"),
        ("MACs", f"{summary.macs:,}"),
    ):
        table.add_column(name, footer=footer, justify="right")
    for layer in summary.layers:
        table.add_row(
            layer.name or "(network)",
            layer.kind,
            _number(layer.in_width),
            _number(layer.out_width),
            _number(layer.params or None),
            _number(layer.macs or None),
        )
    return table


def _tables(found: Inspection) -> Table:
    tables = found.summary.tables
    share = sum(one.share for one in tables)
    read = sum(one.bytes_per_sample for one in tables)
    table = Table(title="tables", caption="a lookup is no MAC: it reads bytes", show_footer=True)
    table.add_column("table", footer="total", overflow="fold")
    for name, footer in (
        ("ids", ""),
        ("rows x dims", ""),
        ("of parameters", f"{share:.1%}"),
        ("bytes", f"{sum(one.bytes for one in tables):,}"),
        ("lookups", f"{sum(one.lookups for one in tables):,}"),
        ("bytes read a sample", f"{read:,}"),
    ):
        table.add_column(name, footer=footer, justify="right")
    for one in tables:
        table.add_row(
            one.name,
            f"{one.ids:,}",
            f"{one.rows:,} x {one.dims}",
            f"{one.share:.1%}",
            f"{one.bytes:,}",
            f"{one.lookups:,}",
            f"{one.bytes_per_sample:,}",
        )
    return table


def _sample(found: Inspection) -> str:
    """`3x32x32 image`, or what else the network takes."""
    if len(found.input_shape) == 3:
        return f"{'x'.join(map(str, found.input_shape))} image"
    told = (f"{spec.name} ({'x'.join(map(str, spec.shape))} {spec.dtype})" for spec in found.inputs)
    return f"sample of {', '.join(told)}"


def _number(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def _caption(found: Inspection) -> str:
    figures = [f"{name} {value:g}" for name, value in found.metrics.items()]
    classes = [f"{found.classes} named classes"] if found.classes else []
    return "  ·  ".join([*classes, *figures])
