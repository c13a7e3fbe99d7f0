"""Looking at all values of a graph, in portions that fit into memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from precision_graphs import Residual, exported, feeds

from edgeprune.export.precision import survey

SHAPE = (3, 8, 8)


def test_portions_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    graph, data = exported(Residual(), tmp_path, *SHAPE), feeds(*SHAPE, size=7)
    names = survey.float_values(graph)
    largest, spread = survey.largest_magnitudes(graph, data), survey.histograms(graph, names, data)
    monkeypatch.setattr(survey, "_MOST_BYTES", 200_000)
    portions = survey.largest_magnitudes(graph, data)
    assert portions == pytest.approx(largest, rel=1e-5)
    for name, histogram in survey.histograms(graph, names, data).items():
        assert histogram.counts.sum() == spread[name].counts.sum()
        assert histogram.largest == pytest.approx(spread[name].largest, rel=1e-5)


def test_no_portion_is_larger_than_it_may_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph, data = exported(Residual(), tmp_path, *SHAPE), feeds(*SHAPE, size=7)
    monkeypatch.setattr(survey, "_MOST_BYTES", 100_000)
    taken: list[int] = []
    infer = survey.OnnxRuntimeRunner.infer

    def noted(runner: survey.OnnxRuntimeRunner, feed: survey.Feed) -> dict[str, np.ndarray]:
        outputs = infer(runner, feed)
        taken.append(sum(values.nbytes for values in outputs.values()))
        return outputs

    monkeypatch.setattr(survey.OnnxRuntimeRunner, "infer", noted)
    survey.largest_magnitudes(graph, data)
    assert len(taken) > 3
    assert max(taken) <= 100_000
