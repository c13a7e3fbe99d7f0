"""What fewer rows of a tile cost the tensor cores' kernel: as recorded, and as the README says."""

from __future__ import annotations

import pytest
from sparse_harness.build import CUDA
from sparse_harness.planner import Planner
from sparse_harness.roofline_layers import DENSITIES, LAYERS
from sparse_harness.vmma_rows import compare, mean_ratios, recorded

LAYER = "wrn_16_2 64>128 8x8 s2"


@pytest.mark.parametrize("density", DENSITIES)
def test_a_layer_is_as_recorded(planner: Planner, density: float) -> None:
    found = compare(planner, LAYER, density)
    assert [found] == [
        row for row in recorded() if (row["layer"], row["density"]) == (LAYER, density)
    ]


def test_every_layer_is_there() -> None:
    keys = [(row["density"], row["layer"]) for row in recorded()]
    assert keys == [(density, layer) for density in DENSITIES for layer in LAYERS]


def test_the_readme_tells_the_ratios() -> None:
    readme = (CUDA / "README.md").read_text(encoding="utf-8")
    few, many = (mean_ratios(recorded(), density) for density in DENSITIES)
    told = f"{few['sectors']:g} times the sectors of global memory at density 0.1 and"
    assert told in " ".join(readme.split())
    assert f"{many['sectors']:g} times at 0.344" in " ".join(readme.split())
    assert min(few["sectors"], many["sectors"]) > 1.2
