"""Results on stdout: a table for people, JSON for machines."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from edgeprune.report.run_report import RunReport


def print_report(report: RunReport, folder: Path, as_json: bool) -> None:
    """Print `report.json` itself, or the terminal's view of it and where the files are."""
    if as_json:
        click.echo(report.to_json())
        return
    from rich.console import Console

    from edgeprune.report.run_files import load_predictions
    from edgeprune.report.terminal import run_table

    console = Console()
    console.print(run_table(report, load_predictions(folder)))
    console.print(f"{folder / 'report.html'} · {folder / 'student.onnx'}", highlight=False)
