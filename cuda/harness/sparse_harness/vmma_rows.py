"""What fewer rows of a tile cost the tensor cores' kernel; run as a module it writes them down.

With 4 rows half of the threads of an SM of sm_87 are resident, with 7 or 8 a third. For the 3x3
layers of ResNet-18 and WRN-16-2 the emulation counts the most suitable launch of either kind, each
with the tile of channels that suits it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import replace
from math import exp, log

from edgeprune.device.sparse.channel_tiles import SHARED_BYTES, candidate_tiles
from sparse_harness.build import CUDA, plan_library
from sparse_harness.networks import layers
from sparse_harness.planner import Planner
from sparse_harness.roofline_layers import DENSITIES, LAYERS, Counted, count_tactic
from sparse_harness.structures import FLOAT16, Convolution, TacticStruct

ROWS = CUDA / "vmma_rows.json"
FEW, MANY = (4,), (7, 8)
# Compared: multiply-adds with idle ones, clocks of shared memory, sectors of global memory.
COUNTS = ("multiply_adds", "shared_clocks", "sectors")
_SM = 87
_ASYNCHRONOUS = 1

Comparison = dict[str, object]


def compare(planner: Planner, layer: str, density: float) -> Comparison:
    """Counts with few and with many rows."""
    conv = replace(layers(vector=32, type=FLOAT16)[layer], sm=_SM)
    few, many = (
        count_tactic(*_most_suitable(planner, conv, density, rows), density) for rows in (FEW, MANY)
    )
    return {"layer": layer, "density": density, "few": _figures(few), "many": _figures(many)}


def recorded() -> list[Comparison]:
    """Of every layer and density."""
    found: list[Comparison] = json.loads(ROWS.read_text(encoding="utf-8"))
    return found


def mean_ratios(rows: Sequence[Comparison], density: float) -> dict[str, float]:
    """Few rows over many, by count: geometric means over the layers."""
    chosen = [row for row in rows if row["density"] == density]
    return {
        name: round(exp(sum(log(_ratio(row, name)) for row in chosen) / len(chosen)), 2)
        for name in COUNTS
    }


def _ratio(row: Comparison, name: str) -> float:
    few, many = row["few"], row["many"]
    assert isinstance(few, dict)
    assert isinstance(many, dict)
    return float(few[name]) / float(many[name])


def _figures(counted: Counted) -> dict[str, object]:
    row = counted.as_json()
    return {name: row[name] for name in ("channel_tile", "pixels_per_lane", "warps", *COUNTS)}


def _most_suitable(
    planner: Planner, conv: Convolution, density: float, rows: Collection[int]
) -> tuple[Convolution, TacticStruct]:
    found = (
        (planner.suitability(tiled, tactic, density), tiled, tactic)
        for tiled in (replace(conv, channel_tile=tile) for tile in candidate_tiles(conv.channels))
        for tactic in planner.tactics(tiled)
        if tactic.pixels_per_lane in rows
        and tactic.staging == _ASYNCHRONOUS
        and planner.plan(tiled, tactic).shared_bytes <= SHARED_BYTES
    )
    _, tiled, tactic = max(found, key=lambda one: (round(one[0], 3), one[1].channel_tile))
    return tiled, tactic


def _main() -> None:
    planner = Planner(plan_library())
    rows = [compare(planner, layer, density) for density in DENSITIES for layer in LAYERS]
    body = ",\n".join(f" {json.dumps(row)}" for row in rows)
    ROWS.write_text(f"[\n{body}\n]\n", encoding="utf-8")
    for density in DENSITIES:
        print(density, mean_ratios(rows, density))


if __name__ == "__main__":
    _main()
