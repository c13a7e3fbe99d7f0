"""The table that `edgeprune inspect` prints."""

from __future__ import annotations

from rich.table import Table

from edgeprune.models.inspection import Inspection


def layer_table(found: Inspection) -> Table:
    """One row per layer, the network's sums at the foot."""
    channels, height, width = found.input_shape
    summary = found.summary
    table = Table(
        title=f"{found.arch}  ·  one {channels}x{height}x{width} image",
        caption=_caption(found),
        show_footer=True,
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


def _number(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def _caption(found: Inspection) -> str:
    figures = [f"{name} {value:g}" for name, value in found.metrics.items()]
    classes = [f"{found.classes} named classes"] if found.classes else []
    return "  ·  ".join([*classes, *figures])
