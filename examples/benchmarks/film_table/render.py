"""The table as people read it, and what it does not show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edgeprune.report.numerals import signed
from film_table.rows import TEACHER, TOLERANCE

# arXiv 2401.10484, LTH-SAD with 45 % of the size gone: (MAE, MSE).
PAPER = {
    "social": (0.81, 1.106),
    "textual": (0.871, 1.319),
    "categorical": (0.821, 1.151),
    "numerical": (0.861, 1.255),
}
_HEAD = f"""\
# Films: three methods, five groups of features, two sizes

Made by `examples/benchmarks/movies_table.py`; all figures, and the settings, are in `movies.json`.
Errors are of the test films (those of the last years), with 95 % bootstrap intervals; a mean over
the seeds where there are several. Differences are paired. Epochs are those of the last training,
with those of the search before it. *Dense* is the dense student under the same teacher with the
same loss at equal epochs; *dense, as long* is trained for the student's epochs and its search's
together, so that training longer is not taken for pruning well.

The bar of a cell: at least 45 or 70 % of the parameters physically gone, and an MSE at most
{100 * TOLERANCE:g} % above that of the dense student and inside its interval. It is asked against
both dense students; what is missed stands below the table.

"""
_CARRIES = """\

## What carries over from the paper, and what does not

Source: arXiv 2401.10484, its table of films, whose rows of LTH-SAD at −45 % are shown beside ours.

- Not its data. The paper joins IMDB-5000 with texts and posters, and its join is not published.
  These are other films (OMDb and Rotten Tomatoes, from `bokeh-sampledata`), split in
  time. Figures of the same films compare with each other; the paper's compare with its own. That
  ours are lower says nothing.
- Not its features. *Social* here is how a film's people were rated in earlier years; IMDB-5000
  counts likes on a social network, which these films do not have (a CSV with its columns does).
  Votes and reviews are among the *numerical* ones here. There are no posters: *visual* is the
  user's own array, and no row.
- Not its networks. The paper does not give its layers; `movie_cnn` is ours.
- Not its "size": what it counts as size is not defined. Here it is parameters physically gone.
- Its baselines are weak: predicting the mean rating beats three of its eight, among them the one
  that its headline gain is measured against (counted on IMDB-5000's films after 2013). Here a
  constant, ridge and boosted trees are shown with every network.
- What carries over is the claim that a method removes 45 % and more of a student and keeps the
  dense student's error. The counts above say in how many cells it does. A lead over the dense
  student at equal epochs is not due to pruning: the dense one, trained as long, has it as well.
- Nothing here ranks the methods: their order, and the cells that miss against the dense student
  trained as long, change with the seed (`movies-seed-1.json`). Nor does it show what distillation
  is worth where the teacher has no clear lead over that student (the differences above).
- *textual* alone is hardly better than the mean: there a cell says little about any method.
"""
_COLUMNS = (
    "features", "network", "seeds", "parameters", "size", "epochs", "MSE [95 %]", "MAE [95 %]",
    "MSE against dense", "against dense, as long", "ONNX Runtime: max error", "TensorRT-RTX",
    "paper's LTH-SAD, its films: MAE / MSE",
)  # fmt: skip


def markdown(rows: Sequence[dict[str, Any]]) -> str:
    """The whole page."""
    lines = [f"| {' | '.join(_COLUMNS)} |", "|---" * len(_COLUMNS) + "|"]
    lines += [f"| {' | '.join(_cells(row))} |" for row in rows]
    return _HEAD + "\n".join([*lines, "", *misses(rows), *_leads(rows)]) + "\n" + _CARRIES


def misses(rows: Sequence[dict[str, Any]]) -> list[str]:
    """How many cells keep the bar against either dense student, and those that do not."""
    cells = [row for row in rows if "bar" in row]
    lines = []
    for which, words in (("dense", "at equal epochs"), ("dense_long", "that was trained as long")):
        missed = [row for row in cells if not all(row["bar"][which].values())]
        named = ", ".join(_missed(row, which) for row in missed)
        lines.append(
            f"- {len(cells) - len(missed)} of {len(cells)} cells keep the bar against the dense "
            f"student {words}{f'; not: {named}' if named else ''}."
        )
    return lines


def _missed(row: dict[str, Any], which: str) -> str:
    size, share = row["size_reduction"], row[f"mse_against_{which}"]
    return f"{row['group']} {row['network']} −{100 * size:.0f} % ({signed(100 * share, 1)} %)"


def _leads(rows: Sequence[dict[str, Any]]) -> list[str]:
    """The teacher's errors minus others', a line per group."""
    lines = ["", "The teacher's errors minus those of the others, paired:", ""]
    for row in rows:
        if row["network"] != TEACHER:
            continue
        told = [
            f"{name}: MSE {_interval(found['mse'])}, MAE {_interval(found['mae'])}"
            for name, found in row["minus"].items()
        ]
        lines.append(f"- {row['group']}: minus {'; minus '.join(told)}")
    return lines


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    paper = PAPER.get(row["group"]) if row["network"] == "lth_sad" else None
    published = paper is not None and row["kept"] > 0.5
    return (
        row["group"],
        row["network"],
        str(len(row["seeds"])),
        f"{row['params']:,}" if "params" in row else "",
        f"−{100 * row['size_reduction']:.1f} %" if "size_reduction" in row else "",
        _epochs(row),
        _error(row, "mse"),
        _error(row, "mae"),
        _against(row, "dense"),
        _against(row, "dense_long"),
        *_verified(row),
        f"{paper[0]} / {paper[1]}" if paper and published else "",
    )


def _epochs(row: dict[str, Any]) -> str:
    if "epochs" not in row:
        return ""
    search = f" + {row['search_epochs']:g}" if row.get("search_epochs") else ""
    return f"{row['epochs']:g}{search}"


def _error(row: dict[str, Any], name: str) -> str:
    return f"{row[name]:.3f} [{row[f'{name}_low']:.3f}, {row[f'{name}_high']:.3f}]"


def _against(row: dict[str, Any], which: str) -> str:
    if f"minus_{which}" not in row:
        return ""
    share, lead = row[f"mse_against_{which}"], row[f"minus_{which}"]
    return f"{signed(100 * share, 1)} % [{signed(lead['low'], 3)}, {signed(lead['high'], 3)}]"


def _interval(found: dict[str, Any]) -> str:
    difference, low, high = (signed(found[key], 3) for key in ("difference", "low", "high"))
    return f"{difference} [{low}, {high}]"


def _verified(row: dict[str, Any]) -> tuple[str, str]:
    """The largest error over the seeds, and what became of the engines."""
    if "verified" not in row:
        return "", ""
    if not all(row["verified"]):
        return "not compared", "not tried"
    error = max(found["max_abs_error"] for found in row["verified"])
    equal = all(found["within_limits"] for found in row["verified"])
    engines = {found["tensorrt_rtx"] for found in row["verified"]}
    return f"{error:.1e}{'' if equal else ' (too much)'}", ", ".join(sorted(engines))
