"""Training through `torch.compile` takes the same steps, and is refused where it cannot work."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from edgeprune.data.batch import Batch
from edgeprune.errors import UnsupportedError
from edgeprune.pretrain import pretrain
from edgeprune.train.distributed import World
from edgeprune.train.learner import Learner
from edgeprune.train.learning_rate import LearningRate
from edgeprune.train.precision import Precision
from edgeprune.train.settings import FitSettings, LossSettings, OptimiserSettings

PLAIN = FitSettings(
    "train", 1, 8, LearningRate(0.1, "constant", 1), LossSettings(), OptimiserSettings(), seed=0
)
CPU = torch.device("cpu")


def _trained(settings: FitSettings) -> nn.Module:
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(),
        nn.Conv2d(4, 16, 1, stride=2),  # sheltered
        nn.Flatten(), nn.Linear(64, 3),
    )  # fmt: skip
    images, classes = torch.randn(8, 1, 6, 6), torch.arange(8) % 3
    learner = Learner(
        network, (), None, settings, World(0, 1, CPU), Precision("cpu", "fp32"), (images,)
    )
    learner.begin_epoch()
    for number in range(5):
        learner.step(Batch((images,), classes, torch.arange(8)), 0, number, 0.1)
    return network


def test_compiled_steps_end_at_the_weights_of_plain_ones() -> None:
    calls = torch._dynamo.utils.counters["stats"]["unique_graphs"]
    compiled = _trained(replace(PLAIN, compile=True)).state_dict()
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] > calls
    plain = _trained(PLAIN).state_dict()
    assert list(compiled) == list(plain)
    for name, tensor in plain.items():
        torch.testing.assert_close(compiled[name], tensor, rtol=1e-4, atol=1e-5, msg=name)


def test_a_machine_without_a_compiler_is_told_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(UnsupportedError, match="no-such-compiler is not on this machine"):
        pretrain("wrn_10_1", "digits", tmp_path / "t.pt", device="cpu", compile=True)
    assert not list(tmp_path.iterdir())
