"""What an export reports: every output counts, and none may become infinite."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from precision_graphs import exported, feeds
from torch import Tensor, nn

from edgeprune.errors import AccuracyGateMissedError, UserInputError
from edgeprune.export.precision.calibration import Calibration
from edgeprune.export.precision.convert import Converted
from edgeprune.export.precision.half import to_half
from edgeprune.export.precision.int8 import plan_int8, write_int8
from edgeprune.export.precision.report import PrecisionReport, measured

SHAPE = (3, 8, 8)


class TwoHeads(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem, self.body = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 3)
        self.first, self.hidden, self.second = (nn.Conv2d(8, 8, 1) for _ in range(3))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = torch.relu(self.body(torch.relu(self.stem(x))))
        return self.first(x), self.second(torch.relu(self.hidden(x)))


def reported(before: onnx.ModelProto, after: Converted, scale: float = 1.0) -> PrecisionReport:
    data = [{"input": feed["input"] * np.float32(scale)} for feed in feeds(*SHAPE)]
    return measured(before, after, "fp16", data, score=None, allowed_drop=None, remark="")


def test_every_output_counts(tmp_path: Path) -> None:
    torch.manual_seed(0)
    graph, data = exported(TwoHeads(), tmp_path, *SHAPE), feeds(*SHAPE)
    plan = plan_int8(graph, data, Calibration("min-max"), half_scales=False)
    assert {cost.label for cost in plan.costs if np.isfinite(cost.noise_db)} == {"body", "hidden"}
    # With nothing but `hidden` in INT8 the first output is exact, the second is not.
    hidden = next(cost for cost in plan.costs if cost.label == "hidden")
    alone = Calibration("min-max", learned={"body": 1e-3})
    spoilt = plan_int8(graph, data, alone, half_scales=False)
    assert spoilt.noise_db < plan.noise_db <= hidden.noise_db
    made = write_int8(graph, plan, half_scales=False, integer_weights=True)
    report = reported(graph, Converted(made))
    assert report.noise_db == pytest.approx(plan.noise_db, abs=3.0)
    assert report.max_abs_error > 0.0


def test_outputs_that_fp16_makes_infinite_are_refused(tmp_path: Path) -> None:
    torch.manual_seed(0)
    graph = exported(nn.Sequential(nn.Conv2d(3, 4, 1), nn.Conv2d(4, 2, 1)), tmp_path, *SHAPE)
    careless = to_half(graph)
    assert reported(graph, Converted(careless.model)).noise_db > 40.0
    with pytest.raises(AccuracyGateMissedError, match="fp16: outputs become infinite"):
        reported(graph, Converted(careless.model), scale=1e6)
    with pytest.raises(UserInputError, match="not finite in fp32 already"):
        reported(graph, Converted(careless.model), scale=np.inf)


def test_layers_are_ranked_where_they_may_go_back(tmp_path: Path) -> None:
    torch.manual_seed(0)
    graph = exported(TwoHeads(), tmp_path, *SHAPE)
    how = Calibration("min-max", score=lambda _: 1.0, max_accuracy_drop=0.5, ranks=False)
    assert len(plan_int8(graph, feeds(*SHAPE), how, half_scales=False).nodes) == 2
