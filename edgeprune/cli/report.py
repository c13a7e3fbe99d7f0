"""`edgeprune report`: one run in full, or several beside each other."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import click

from edgeprune.errors import UnsupportedError


@click.command(name="report")
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RUN...")
@click.option("--html", type=click.Path(path_type=Path), help="Page to write.  [default: "
              "report.html in the run's folder; none for several runs]")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print figures as JSON on stdout.")
def command(runs: tuple[Path, ...], html: Path | None, as_json: bool) -> None:
    """Show one run and render its report.html anew, or compare several with the first.

    Differences of accuracy carry paired bootstrap 95 % intervals where the runs keep their test
    predictions.

    \b
    Example:
      edgeprune report runs/a
      edgeprune report runs/a runs/b runs/c --html comparison.html
    """
    if len(runs) == 1:
        _show_one(runs[0], html, as_json)
    else:
        _show_several(runs, html, as_json)


def _show_one(run: Path, html: Path | None, as_json: bool) -> None:
    from edgeprune.report.html import HTML_NAME, render_to
    from edgeprune.report.run_files import load_predictions
    from edgeprune.report.run_report import load_report, report_file

    report = load_report(run)
    folder = report_file(run).parent
    predictions = load_predictions(folder)
    if as_json:
        click.echo(report.to_json())
    else:
        from rich.console import Console

        from edgeprune.report.terminal import run_table

        Console().print(run_table(report, predictions))
    _write_page(lambda page: render_to(page, report, folder), html, folder / HTML_NAME)


def _show_several(runs: tuple[Path, ...], html: Path | None, as_json: bool) -> None:
    from edgeprune.report.comparison import compare_runs
    from edgeprune.report.comparison_views import comparison_table, write_comparison

    comparison = compare_runs(runs)
    if as_json:
        click.echo(json.dumps(comparison.as_dict(), indent=1))
    else:
        from rich.console import Console

        Console().print(comparison_table(comparison))
    if html is not None:
        _write_page(lambda page: write_comparison(comparison, page), html, html)


def _write_page(write: Callable[[Path], object], asked: Path | None, default: Path) -> None:
    """Write a page and say where; a page nobody asked for may be left out, with the reason."""
    page = asked or default
    try:
        write(page)
    except (UnsupportedError, PermissionError) as failure:
        if asked is not None:
            raise
        click.echo(f"{page} is not rendered anew: {failure}", err=True)
    else:
        click.echo(str(page), err=True)
