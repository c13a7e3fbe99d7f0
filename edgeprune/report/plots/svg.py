"""Matplotlib figures as inline SVG: the page's colours and fonts, no ids that clash."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from edgeprune.errors import UnsupportedError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Role -> colour while drawing. Each is replaced by the CSS variable `--ROLE` of the page, so that
# one drawing serves light and dark; the values are distinct and occur nowhere else.
COLOURS = {
    "ink": "#1a1f2c",
    "muted": "#5b6476",
    "grid": "#e2e6ee",
    "surface": "#fefffe",
    "student": "#1f6fec",
    "dense": "#7c8599",
    "teacher": "#b45308",
    "control": "#0f766f",
}
_HEIGHT_TO_WIDTH = 0.6
WIDTH_IN = 5.2  # of a figure that takes half the page


def require_matplotlib() -> None:
    """Check that plots can be drawn.

    Raises:
        UnsupportedError: matplotlib is not installed.
    """
    try:
        import matplotlib  # noqa: F401
    except ImportError as failure:
        raise UnsupportedError(
            "plots need matplotlib: pip install 'edgeprune[report]'"
        ) from failure


@contextmanager
def drawing(
    name: str, width_in: float = WIDTH_IN, height_in: float | None = None
) -> Iterator[tuple[Figure, Axes]]:
    """A figure with one set of axes in the report's style; render it inside the with statement."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    settings: dict[Any, Any] = {
        "svg.fonttype": "none",
        "text.parse_math": False,
        "svg.hashsalt": name,
        "font.family": "sans-serif",
        "font.size": 10,
        "axes.edgecolor": COLOURS["grid"],
        "axes.labelcolor": COLOURS["muted"],
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "grid.color": COLOURS["grid"],
        "text.color": COLOURS["ink"],
        "xtick.color": COLOURS["muted"],
        "ytick.color": COLOURS["muted"],
        "legend.frameon": False,
    }
    with mpl.rc_context(settings):
        size = (width_in, height_in or width_in * _HEIGHT_TO_WIDTH)
        figure = Figure(figsize=size, layout="constrained")
        figure.patch.set_visible(False)
        axes = figure.add_subplot()
        axes.patch.set_visible(False)
        axes.tick_params(which="both", length=0)
        yield figure, axes


def to_svg(figure: Figure, name: str, description: str) -> str:
    """The figure as an `<svg>` element for inlining.

    Args:
        name: prefix of all ids, unique in the page.
        description: what a reader who cannot see the figure should know.
    """
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, "Type": None,
                                                   "Format": None})  # fmt: skip
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'\bid="', f'id="{name}-', text)
    text = text.replace("url(#", f"url(#{name}-").replace('href="#', f'href="#{name}-')
    text = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", text, count=1)
    text = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", text, count=1)
    text = text.replace("<svg", f'<svg role="img" aria-label="{_escaped(description)}"', 1)
    text = re.sub(r"font: (\d+(?:\.\d+)?)px [^;\"]*", r"font: \1px var(--font)", text)
    for role, colour in COLOURS.items():
        text = text.replace(colour, f"var(--{role})")
    return text


def _escaped(text: str) -> str:
    return (
        text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;").replace(">", "&gt;")
    )
