"""Templates to one self-contained HTML text. Needs jinja2."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import Any

from edgeprune import __version__
from edgeprune.errors import UnsupportedError
from edgeprune.report import numerals


def render_page(template: str, title: str, subtitle: str, **values: Any) -> str:
    """Fill `templates/<template>`; every value is escaped unless the template marks it safe.

    Raises:
        UnsupportedError: jinja2 is not installed.
    """
    try:
        import jinja2
    except ImportError as failure:
        raise UnsupportedError(
            "report.html needs jinja2: pip install 'edgeprune[report]'"
        ) from failure
    folder = files("edgeprune.report") / "templates"
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(lambda name: (folder / name).read_text(encoding="utf-8")),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        count=numerals.count,
        compact=numerals.compact,
        interval=numerals.interval,
        ms=numerals.milliseconds,
        nobreak=_unbroken,
    )
    style = (folder / "style.css").read_text(encoding="utf-8")
    return environment.get_template(template).render(
        title=title, subtitle=subtitle, style=style, version=__version__, **values
    )


def _unbroken(text: str) -> str:
    """The text with a number and its unit kept on one line."""
    return re.sub(r"(?<=\d) (?=(?:%|k|M|G|ms)(?!\w))", "\u00a0", text)
