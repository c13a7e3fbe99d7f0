"""Power on a terminal: while it is measured, and what it came to."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from pathlib import Path

import pytest
from board_standin import board_tree
from rich.console import Console

from edgeprune.device.power import PowerResult, Row, measure
from edgeprune.report.numerals import joules, watts
from edgeprune.report.power_table import LivePower, power_lines, power_table

FOUND = PowerResult("ina", "module", 60.0, 601, 10.0, 480.0, 8.0, 9.5, {"VDD_IN": 8000.0}, 8000.0)


def test_the_live_table_has_now_mean_and_peak(tmp_path: Path) -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=80)
    tree = board_tree(tmp_path / "board")
    with measure("ina", root=tree.root) as window, LivePower(window, console) as live:
        at_s = window.start_s
        live.add([Row(at_s, {"VDD_IN": 4000.0}, 4000.0), Row(at_s + 1, {"VDD_IN": 6000.0}, 6000.0)])
        live.add([Row(at_s + 3, {"VDD_IN": 2000.0}, 2000.0)])
    shown = screen.getvalue()
    assert "ina, 3 s, 3 readings" in shown
    assert re.findall(r"\d\.\d\d", shown.split("total")[-1])[:3] == ["2.00", "4.00", "6.00"]


def test_the_words_give_energy_power_and_scope() -> None:
    first, second = power_lines(FOUND)
    assert first == "480 J in 60.0 s: 8.00 W, at most 9.50 W (module)"
    assert second == "ina: 601 readings in 60 s, 10.0 a second"


def test_what_speaks_against_it_is_told() -> None:
    void = replace(FOUND, rails_mw=None, energy_j=None, reason="no reading for 0.5 s")
    assert power_lines(void)[-1] == "void: no reading for 0.5 s"
    alone = replace(FOUND, energy_j=None, total_mw=None, reason="an unknown board", notes=("a",))
    assert power_lines(alone)[1:] == ["no total: an unknown board", "note: a"]
    screen = io.StringIO()
    Console(file=screen, width=80).print(power_table(void), power_table(alone))
    assert "VDD_IN" in screen.getvalue()
    assert "total (" not in screen.getvalue()


@pytest.mark.parametrize(
    ("value", "text"),
    [(1.234, "1.23 J"), (0.0456, "45.6 mJ"), (-0.002, "−2.00 mJ"), (5e-5, "50.0 µJ"), (None, "–")],
)
def test_joules_are_written_in_a_fitting_unit(value: float | None, text: str) -> None:
    assert joules(value) == text
    assert (watts(515), watts(87426), watts(None)) == ("0.515", "87.4", "–")
