"""Width of every layer before and after pruning."""

from __future__ import annotations

from collections.abc import Sequence

from edgeprune.report.plots.svg import COLOURS, drawing, to_svg
from edgeprune.report.shapes import LayerWidth

_ROW_IN = 0.21
_FRAME_IN = 0.9
_WIDTH_IN = 10.5
_MAX_NAME = 34


def plot_layers(layers: Sequence[LayerWidth]) -> str | None:
    """Two bars in one per layer, in the network's order; None without layers."""
    if not layers:
        return None
    positions = range(len(layers))
    before = [layer["width_before"] for layer in layers]
    after = [layer["width_after"] for layer in layers]
    height_in = _FRAME_IN + _ROW_IN * len(layers)
    with drawing("layers", _WIDTH_IN, height_in) as (figure, axes):
        axes.barh(positions, before, height=0.74, color=COLOURS["grid"], label="before")
        axes.barh(positions, after, height=0.74, color=COLOURS["student"], label="after")
        for position, wide, narrow in zip(positions, before, after, strict=True):
            text = str(wide) if wide == narrow else f"{wide} → {narrow}"
            axes.annotate(
                text, (wide, position), xytext=(4, 0), textcoords="offset points", va="center",
                fontsize=8, color=COLOURS["muted"],
            )  # fmt: skip
        axes.set_yticks(positions, [_shortened(layer["name"]) for layer in layers], fontsize=8)
        axes.set_ylim(len(layers) - 0.4, -0.6)
        axes.set_xlim(0, 1.14 * max(before))
        axes.set_xlabel("output channels")
        axes.grid(visible=False, axis="y")
        axes.legend(
            loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2, fontsize=9, borderaxespad=0.2,
            labelcolor=COLOURS["ink"],
        )  # fmt: skip
        return to_svg(figure, "layers", "Output channels of every layer before and after pruning")


def _shortened(name: str) -> str:
    return name if len(name) <= _MAX_NAME else f"…{name[1 - _MAX_NAME :]}"
