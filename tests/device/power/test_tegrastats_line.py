"""The grammar of tegrastats' lines: composed ones, and those that boards were recorded with."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from power_trees import known_board
from standin_tegrastats import orin_line

from edgeprune.device.power.board_table import total_on
from edgeprune.device.power.tegrastats_line import rails_in

RECORDED = Path(__file__).parents[4] / "shared/data/tegrastats.txt"

# board of the table, then what its recorded line shows
EXPECTED = [
    ("jetson-tx1", {"VDD_IN": 2532, "VDD_CPU": 76, "VDD_GPU": 19}),
    ("jetson-tx2", {"VDD_SYS_GPU": 152, "VDD_SYS_SOC": 687, "VDD_4V0_WIFI": 0, "VDD_IN": 3056,
                    "VDD_SYS_CPU": 152, "VDD_SYS_DDR": 883}),
    ("jetson-nano", {"POM_5V_IN": 1022, "POM_5V_GPU": 0, "POM_5V_CPU": 204}),
    ("jetson-nano", {"POM_5V_IN": 900, "POM_5V_GPU": 0, "POM_5V_CPU": 123}),
    ("jetson-agx-xavier", {"GPU": 0, "CPU": 311, "SOC": 932, "CV": 0, "VDDRQ": 621, "SYS5V": 1482}),
    ("jetson-xavier-nx", {"VDD_IN": 4067, "VDD_CPU_GPU_CV": 738, "VDD_SOC": 1353}),
    ("jetson-orin-nano", {"VDD_IN": 5299, "VDD_CPU_GPU_CV": 773, "VDD_SOC": 1424}),
    ("jetson-agx-orin", {"VDD_GPU_SOC": 4940, "VDD_CPU_CV": 988, "VIN_SYS_5V0": 4442}),
    ("jetson-agx-orin", {"VDD_GPU_SOC": 3205, "VDD_CPU_CV": 4405, "VIN_SYS_5V0": 4767}),
    ("jetson-orin-nano", {"VDD_IN": 4761, "VDD_CPU_GPU_CV": 515, "VDD_SOC": 1428}),
    ("jetson-orin-nano", {"VDD_IN": 6626, "VDD_CPU_GPU_CV": 1228, "VDD_SOC": 2380}),
    ("jetson-agx-orin", {"VDD_GPU_SOC": 2412, "VDD_CPU_CV": 1607, "VIN_SYS_5V0": 4707}),
    ("jetson-thor", {"VDD_GPU": 1962, "VDD_CPU_SOC_MSS": 5887, "VIN_SYS_5V0": 5635, "VIN": 19780}),
    ("jetson-thor", {"VDD_GPU": 0, "VDD_CPU_SOC_MSS": 4923, "VIN_SYS_5V0": 4327}),
    ("jetson-thor", {"VDD_GPU": 37528, "VDD_CPU_SOC_MSS": 18961, "VIN_SYS_5V0": 18331,
                     "VIN": 87426}),
    ("jetson-agx-xavier", {"GPU": 467, "CPU": 467, "SOC": 1245, "CV": 0, "VDDRQ": 311,
                           "SYS5V": 2768}),
]  # fmt: skip
TOTALS_MW = [2532, 3056, 1022, 900, 3346, 4067, 5299, 10370, 12377, 4761, 6626, 8726, 19780, 9250,
             87426, 5258]  # fmt: skip


@pytest.mark.shared_data
@pytest.mark.skipif(not RECORDED.exists(), reason="the recorded lines are not here")
def test_every_recorded_line_gives_its_rails_and_its_total(tmp_path: Path) -> None:
    lines = [
        line
        for line in RECORDED.read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")
    ]
    assert len(lines) == len(EXPECTED) == len(TOTALS_MW)
    cases = zip(lines, EXPECTED, TOTALS_MW, strict=True)
    for number, (line, (board, rails), total_mw) in enumerate(cases):
        assert rails_in(line) == rails, line
        total = total_on(known_board(tmp_path / str(number), board), rails)
        assert sum(rails[rail] for rail in total.rails) == total_mw, line


@pytest.mark.parametrize(
    ("line", "rails"),
    [
        ("RAM 1/2MB SWAP 0/1MB IRAM 0/252kB(lfb 252kB) lfb 12x4MB VDD_IN 100/90", {"VDD_IN": 100}),
        ("APE 25 AO@42.5C GPU@39C GPU 7/8 CPU 9/10 CPU [1%@102,off] CV 0/0", {"GPU": 7, "CPU": 9,
                                                                             "CV": 0}),
        ("VDD_IN   2000mW/1mW  NC 5mW/5mW NC 1/1", {"VDD_IN": 2000}),
        ("VIN 87426mW/43713mW/87426mW VIN_SYS_5V0 1mW/2mW/3mW", {"VIN": 87426, "VIN_SYS_5V0": 1}),
        ("MTS fg 0% bg 0% EMC_FREQ 0%@665 GR3D_FREQ @[0,0,0] VIC off tj@-256C", {}),
        ("vdd_in 1/2 VDD-IN 1/2 1VDD 1/2 xVDD 1/2", {}),
        ("VDD_A 10mW/10 VDD_B 10/10mW VDD_C 10/ VDD_D /10 VDD_E 10mW", {}),
        ("SOC 5mW/5mWx CV 1/2/3/4 CPU 1/2", {"CPU": 1}),
        ("", {}),
    ],
)  # fmt: skip
def test_rails_are_told_from_the_rest(line: str, rails: dict[str, float]) -> None:
    assert rails_in(line) == rails


@settings(max_examples=50, deadline=None)
@given(
    st.dictionaries(
        st.from_regex(r"[A-Z][A-Z0-9_]{0,15}", fullmatch=True).filter(lambda name: name != "NC"),
        st.tuples(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6)),
        max_size=8,
    ),
    st.sampled_from(["", "mW"]),
    st.sampled_from([2, 3]),
    st.sampled_from([" ", "   "]),
)
def test_any_line_in_the_grammar_is_read_back(
    rails: dict[str, tuple[int, int, int]], unit: str, parts: int, space: str
) -> None:
    tokens = [
        f"{rail}{space}" + "/".join(f"{value}{unit}" for value in values[:parts])
        for rail, values in rails.items()
    ]
    line = space.join(["RAM 775/7620MB (lfb 3x4MB)", "CPU [0%@729,off]", *tokens, "tj@-256C"])
    assert rails_in(line) == {rail: values[0] for rail, values in rails.items()}


def test_the_stand_ins_lines_are_in_the_grammar() -> None:
    assert rails_in(orin_line(8000)) == {"VDD_IN": 8000, "VDD_CPU_GPU_CV": 2000, "VDD_SOC": 1600}
