"""The table that `edgeprune inspect --sensitivity` prints."""

from __future__ import annotations

from rich.table import Table

from edgeprune.methods.sensitivity import Sensitivity


def sensitivity_table(found: Sensitivity) -> Table:
    """One row per channel group, those that cost least first."""
    metric = "top-1" if found.metric == "top1_percent" else "error"
    unit = " %" if metric == "top-1" else ""
    table = Table(
        title=f"{found.ratio:.0%} of one group removed, all else in place  ·  {metric} "
        f"{found.value:.4g}{unit}, loss {found.loss:.4g} on {found.samples:,} validation samples",
        caption="" if all(g.exact for g in found.groups) else "* behind a norm over channels",
    )
    table.add_column("channel group", overflow="fold")
    for heading in ("width", "without", "params", "MACs", "loss", metric):
        table.add_column(heading, justify="right")
    for group in sorted(found.groups, key=lambda group: group.loss_increase):
        table.add_row(
            group.group + ("" if group.exact else " *"),
            str(group.width),
            str(group.width - group.removed),
            f"-{group.params_saved / found.params:.1%}",
            f"-{group.macs_saved / found.macs:.1%}",
            f"{group.loss_increase:+.4f}",
            f"{group.metric_change:+.2f}" if unit else f"{group.metric_change:+.4g}",
        )
    return table
