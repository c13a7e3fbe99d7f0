"""Option values that click has no type for."""

from __future__ import annotations

import click


def numbers(option: str, text: str | None) -> tuple[float, ...] | None:
    """Comma-separated numbers; None where the option is not given.

    Raises:
        click.BadParameter: something else stands there.
    """
    if text is None:
        return None
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError as failure:
        raise click.BadParameter(f"{option} {text}: write numbers with commas") from failure
