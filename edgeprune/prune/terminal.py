"""A pruning report as a table for the terminal."""

from __future__ import annotations

import os

from rich.console import Group
from rich.table import Table
from rich.text import Text

from edgeprune.prune.report import PruneReport


def prune_table(report: PruneReport, out: str | os.PathLike[str]) -> Group:
    """Widths of all groups, what was reached, how exact it is, what was skipped and why."""
    widths = Table("channel group", "before", "after", "", box=None, pad_edge=False)
    for group in report.groups:
        note = "" if group.exact else "inexact"
        widths.add_row(Text(group.name), str(group.before), str(group.after), note)
    lines = [
        f"parameters {report.params_before:,} -> {report.params:,} "
        f"(-{report.size_reduction:.1%}), MACs {report.macs_before:,} -> {report.macs:,} "
        f"(-{report.mac_reduction:.1%})",
        *(f"{t.name}: asked {t.asked:g}, reached {t.reached:.4g}" for t in report.targets),
        _exactness(report),
        *(f"kept whole: {entry.layer}: {entry.reason}" for entry in report.skipped),
        f"written to {os.fspath(out)}",
    ]
    return Group(widths, *(Text(line) for line in lines))


def _exactness(report: PruneReport) -> str:
    proof = report.equivalence
    inexact = f"; {len(proof.inexact_groups)} inexact groups" if proof.inexact_groups else ""
    if proof.max_rel_error is None:
        return f"equal to masking: nothing to claim{inexact}"
    return (
        f"equal to masking within {proof.max_rel_error:.1e} (relative, {proof.dtype}) "
        f"for {proof.groups} groups{inexact}"
    )
