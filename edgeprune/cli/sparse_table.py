"""The table that `edgeprune inspect --sparse` prints."""

from __future__ import annotations

from rich.table import Table

from edgeprune.export.sparse_inspection import BASIS, SparseInspection


def sparse_table(found: SparseInspection) -> Table:
    """One row per convolution, the sums at the foot."""
    channels, height, width = found.input_shape
    sparse = sum(choice.goes_sparse for choice in found.choices)
    table = Table(
        title=f"{found.arch} on {found.board.name}, {found.precision.upper()}, one "
        f"{channels}x{height}x{width} image  ·  {BASIS}",
        caption=_caption(found),
        show_footer=True,
    )
    table.add_column("convolution", footer="total", overflow="fold", min_width=21)
    for name, footer in (
        ("zeros", ""),
        ("dense", _us(found.dense_ms)),
        ("sparse", ""),
    ):
        table.add_column(name, footer=footer, justify="right", no_wrap=True)
    table.add_column("choice", footer=f"{sparse} of {len(found.choices)}")
    table.add_column("why", footer=f"{_us(found.chosen_ms)} µs as chosen", overflow="fold")
    for choice in found.choices:
        table.add_row(
            choice.layer,
            f"{choice.sparsity:.1%}",
            _us(choice.dense.total_ms),
            "" if choice.sparse_ms is None else _us(choice.sparse_ms),
            "sparse" if choice.goes_sparse else "dense",
            choice.reason,
        )
    return table


def _caption(found: SparseInspection) -> str:
    told = ["µs; sparse times include the copies into the kernel's layout and back"]
    if all(choice.sparsity == 0 for choice in found.choices):
        told.append("this file has no masks: see --granularity weight and vector of compress")
    if found.board.note:
        told.append(f"{found.board.name}: {found.board.note}")
    return "  ·  ".join(told)


def _us(ms: float) -> str:
    return f"{1e3 * ms:.1f}"
