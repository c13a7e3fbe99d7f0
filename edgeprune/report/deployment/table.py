"""A deploy as the terminal shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgeprune.deploy.deployment import Deployment
from edgeprune.report.benchmark_table import benchmark_table
from edgeprune.report.deployment.lines import (
    benchmark_of,
    engine_lines,
    speed_line,
    transfer_line,
    verify_lines,
)
from edgeprune.report.deployment.race import race_table

if TYPE_CHECKING:
    from rich.console import RenderableType


def deployment_table(done: Deployment) -> RenderableType:
    """Ready for `rich.console.Console.print`."""
    from rich.console import Group
    from rich.text import Text

    board = done.probe["board"] or done.host
    head = [
        f"{done.run} on {board} ({done.host}): {done.target}, {done.precision}, "
        f"{done.build['runtime']}",
        transfer_line(done),
        *engine_lines(done),
        *verify_lines(done),
    ]
    found = benchmark_of(done)
    parts: list[RenderableType] = [Text(line) for line in head]
    if done.race is not None:
        parts.append(race_table(done))
    if found is not None:
        parts.append(benchmark_table(found))
    verdict = speed_line(done)
    return Group(*parts, Text(verdict, style="bold")) if verdict else Group(*parts)
