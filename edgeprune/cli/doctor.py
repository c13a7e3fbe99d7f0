"""`edgeprune doctor`: what this machine can do, what is missing, and what to do about it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

import click

from edgeprune.errors import UnsupportedError

if TYPE_CHECKING:
    from edgeprune.report.doctor.finding import Finding

_MARKS = {"ok": ("ok", "green"), "limited": ("note", "yellow"), "missing": ("no", "red")}


@click.command(name="doctor")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON on stdout.")
def command(as_json: bool) -> None:
    """Say what this machine can do and what is missing, each with a remedy.

    Ends with 5 when a package that edgeprune cannot do without is missing, else with 0.

    \b
    Example:
      edgeprune doctor
    """
    from edgeprune.report.doctor.examination import as_dict, examine, missing_core

    findings = examine()
    if as_json:
        click.echo(json.dumps(as_dict(findings), indent=1))
    else:
        _print(findings)
    lacking = missing_core(findings)
    if lacking:
        names = ", ".join(finding.name for finding in lacking)
        raise UnsupportedError(f"edgeprune cannot work here without {names}: {lacking[0].remedy}")


def _print(findings: Sequence[Finding]) -> None:
    """Plain text: this command has to work where rich is missing."""
    width = max(len(finding.name) for finding in findings)
    for area, members in groupby(findings, key=lambda finding: finding.area):
        click.secho(area, bold=True)
        for finding in members:
            mark, colour = _MARKS[finding.status]
            name = finding.name.ljust(width)
            click.echo(f"  {click.style(mark.ljust(4), fg=colour)}  {name}  {finding.detail}")
            if finding.remedy:
                click.secho(f"  {' ' * 4}  {' ' * width}  → {finding.remedy}", dim=True)
