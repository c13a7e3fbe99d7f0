from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from typing import Any

import pytest

from edgeprune.report.plots.layers import plot_layers
from edgeprune.report.plots.tradeoff import Point, plot_tradeoff
from edgeprune.report.plots.training import method_rows, plot_accuracy, plot_width
from edgeprune.report.rows import Metric

_METRIC = Metric("top-1", " %")


def _words(svg: str | None) -> list[str]:
    assert svg is not None
    root = ElementTree.fromstring(svg)
    return ["".join(node.itertext()).strip() for node in root.iter() if node.tag.endswith("text")]


def _row(stage: str, epoch: int, **figures: Any) -> dict[str, Any]:
    return {"stage": stage, "epoch": epoch, **figures}


def test_controls_are_no_part_of_the_methods_history() -> None:
    rows = [_row("distil", 0), _row("control-ce", 0), _row("distil", 1)]
    assert [row["stage"] for row in method_rows(rows)] == ["distil", "distil"]


def test_accuracy_names_its_stages_and_keeps_their_lines_apart() -> None:
    rows = [_row(stage, epoch, val_top1=50.0 + epoch, train_top1=48.0 + epoch)
            for stage in ("round-1", "round-2") for epoch in range(4)]  # fmt: skip
    svg = plot_accuracy(rows, _METRIC)
    assert {"round-1", "round-2", "training", "validation", "top-1 (%)"} <= set(_words(svg))
    assert svg is not None
    # One path of four points per stage; a joined line would be one of eight.
    paths = re.findall(r'd="(M [^"]*)"[^>]*stroke: var\(--student\)', svg)
    segments = [path.count("L ") for path in paths]
    assert segments.count(3) == 2
    assert 7 not in segments


def test_an_epoch_without_validation_is_a_gap_not_a_zero() -> None:
    rows = [_row("a", 0, val_top1=60.0), _row("a", 1, val_top1=None), _row("a", 2, val_top1=61.0)]
    words = _words(plot_accuracy(rows, _METRIC))
    ticks = [float(word) for word in words if re.fullmatch(r"\d+\.\d+", word)]
    assert min(ticks) > 59


def test_width_is_in_percent_of_the_original() -> None:
    rows = [_row("a", epoch, params=value) for epoch, value in enumerate((200.0, 100.0, 80.0))]
    words = _words(plot_width(rows))
    assert "% of the original student" in words
    assert "parameters" in words
    assert "MACs" not in words


@pytest.mark.parametrize("rows", [[], [_row("a", 0)], [_row("control-x", 0, val_top1=1.0)]])
def test_nothing_recorded_nothing_drawn(rows: list[dict[str, Any]]) -> None:
    assert plot_accuracy(rows, _METRIC) is None
    assert plot_width(rows) is None


def test_layers_show_both_widths_in_order() -> None:
    layers = [{"name": "conv1", "width_before": 16, "width_after": 16},
              {"name": "a.very.long.path.of.a.module.in.some.network.conv2", "width_before": 64,
               "width_after": 48}]  # fmt: skip
    words = _words(plot_layers(layers))  # type: ignore[arg-type]
    assert {"16", "64 → 48", "conv1", "before", "after"} <= set(words)
    (shortened,) = [word for word in words if word.startswith("…")]
    assert shortened.endswith("network.conv2")
    assert len(shortened) == 34
    assert plot_layers([]) is None


def test_tradeoff_shows_only_what_was_measured() -> None:
    points = [
        Point("teacher", "teacher", 2_000_000, 74.0),
        Point("student", "student", 300_000, 70.0),
        Point("untested", "dense", 700_000, None),
        Point("unmeasured", "control", None, 60.0),
    ]
    words = _words(plot_tradeoff(points, _METRIC, "p", "parameters"))
    assert {"teacher", "student", "parameters", "test top-1 (%)"} <= set(words)
    assert not {"untested", "unmeasured"} & set(words)
    assert plot_tradeoff(points[1:], _METRIC, "p", "parameters") is None


def test_tradeoff_takes_equal_and_zero_costs() -> None:
    same = [Point(name, "control", 100.0, 50.0) for name in "ab"]
    zero = [Point("a", "control", 0.0, 50.0), Point("b", "student", 10.0, 51.0)]
    for points in (same, zero):
        assert {"a", "b"} <= set(_words(plot_tradeoff(points, _METRIC, "p", "ms")))
