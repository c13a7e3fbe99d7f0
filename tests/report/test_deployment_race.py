"""Raced layers as the terminal and the page show them."""

from __future__ import annotations

from typing import Any

import pytest
from rich.console import Console

from edgeprune.deploy.deployment import Deployment
from edgeprune.report.deployment.page import render_deployment
from edgeprune.report.deployment.race import race_line, race_rows, race_verdict
from edgeprune.report.deployment.table import deployment_table

RACE = {
    "comparisons": [
        {"layers": ["block1.conv1", "block1.conv2"], "dense_ms": 0.2, "sparse_ms": 0.25},
        {"layers": ["block2.conv1"], "dense_ms": 0.4, "sparse_ms": 0.123},
    ],
    "unknown": ["block3.conv1"],
    "back": ["block1.conv1", "block1.conv2", "block3.conv1"],
    "dense_ms": 1.5,
    "sparse_ms": 1.4,
    "runtime": "TensorRT 10.3.0",
    "profiler": "TensorRT's IProfiler",
    "batch": 1,
    "threads": None,
    "at": "2026-11-29T12:00:00+00:00",
}


def _deployment(race: dict[str, Any] | None) -> Deployment:
    software = {"tensorrt": "10.3.0", "cuda": None, "python": "3.10", "machine": "aarch64"}
    space = dict.fromkeys(("free_memory_mib", "memory_mib", "free_disk_mib"), 1)
    return Deployment(
        run="a", host="user@board", target="jetson-orin", system="6", precision="fp16",
        probe={"board": "Orin Nano", "l4t": None, "software": software, "space": space},
        bundle="b", bundle_bytes=1, sent_bytes=1, models={},
        build={"runtime": "TensorRT 10.3.0", "engines": {}}, verify={}, bench=None, notes=(),
        seconds=1.0, made_by="edgeprune", race=race,
    )  # fmt: skip


def test_every_layer_has_its_times_and_what_became_of_it() -> None:
    done = _deployment(RACE)
    assert [(row.layers, row.cells) for row in race_rows(done)] == [
        ("block1.conv1, block1.conv2", ("0.200", "0.250", "dense again")),
        ("block2.conv1", ("0.400", "0.123", "sparse")),
        ("block3.conv1", ("–", "–", "dense again: the profile does not name it")),
    ]
    assert race_verdict(done) == "3 of 4 sparse layers went back to dense"
    line = race_line(done)
    for told in ("Orin Nano (user@board)", "TensorRT's IProfiler", "2026-11-29", "1.50 ms dense"):
        assert told in line


def test_all_of_them_won() -> None:
    done = _deployment({**RACE, "back": [], "unknown": []})
    assert race_verdict(done) == "none of 3 sparse layers lost to the same layer dense"


@pytest.mark.parametrize("race", [RACE, None])
def test_it_is_shown_where_there_was_a_race(race: dict[str, Any] | None) -> None:
    done = _deployment(race)
    console = Console(width=200, record=True, quiet=False)
    with console.capture() as said:
        console.print(deployment_table(done))
    for text in (said.get(), render_deployment(done)):
        assert ("block1.conv1, block1.conv2" in text) == (race is not None)
        assert ("dense again" in text) == (race is not None)
        assert ("IProfiler" in text) == (race is not None)
