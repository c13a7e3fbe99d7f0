"""Trial runs judge a removal and leave the run as it was."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from edgeprune.data.registry import load_data
from edgeprune.methods.measured.trial_runs import TrialRuns, recalibrate
from edgeprune.methods.student import Student, seeded
from edgeprune.models.registry import build_model
from edgeprune.models.teacher import load_teacher
from edgeprune.prune.discovery import find_channels
from edgeprune.prune.graph.types import ChannelGraph
from edgeprune.prune.removal import Removal, make_removal
from edgeprune.prune.surgery import remove_channels
from edgeprune.train.distributed import World
from edgeprune.train.learner import Learner
from edgeprune.train.learning_rate import LearningRate
from edgeprune.train.precision import Precision
from edgeprune.train.settings import FitSettings, LossSettings, OptimiserSettings
from edgeprune.train.teacher import Teacher

_SETTINGS = FitSettings(
    "stage",
    1,
    64,
    LearningRate(0.05, "cosine", 1),
    LossSettings(0.9, 200.0),
    OptimiserSettings(),
    0,
)


class _Subject:
    """A student in training, with a head, and the judge of its removals."""

    def __init__(self, teacher: Path) -> None:
        data = load_data("digits", seed=0, train_limit=256)
        loaded = load_teacher(str(teacher))
        assert loaded.preprocessing is not None
        self.data = data.with_preprocessing(loaded.preprocessing)
        self.student = Student(
            seeded(partial(build_model, "wrn_10_1", num_classes=10, in_channels=1), 0)
        )
        taps = ("block3",)
        world = World(0, 1, torch.device("cpu"))
        self.learner = Learner(
            self.student.module,
            taps,
            Teacher(loaded.module, taps),
            _SETTINGS,
            world,
            Precision("cpu", "fp32"),
            self.data.example_inputs(2),
        )
        for number, batch in enumerate(self.data.train_batches(epoch=0, batch_size=64, seed=0)):
            self.learner.step(batch, 0, number, 0.05)
        self.graph: ChannelGraph = find_channels(self.student.module, self.data.example_inputs(1))
        self.trials = TrialRuns(self.student, self.learner, self.data, self._cut)

    def removal(self, kept: float) -> Removal:
        return make_removal(
            [np.arange(g.size - max(1, int(kept * g.size))) for g in self.graph.groups]
        )

    def _cut(self, student: Student, removal: Removal) -> None:
        remove_channels(student.module, self.graph, removal)


@pytest.fixture(scope="module")
def subject(digits_teacher: Path) -> _Subject:
    return _Subject(digits_teacher)


def test_a_narrow_network_is_judged_worse(subject: _Subject) -> None:
    losses = [subject.trials.loss(subject.removal(kept)) for kept in (1.0, 0.5, 0.1)]
    assert losses[0] < losses[1] < losses[2]


def test_nothing_is_left_of_a_trial(subject: _Subject) -> None:
    before = subject.student.weights()
    momentum = [
        state["momentum_buffer"].clone() for state in subject.learner.optimizer.state.values()
    ]
    subject.learner.train_mode()
    first, again = (subject.trials.loss(subject.removal(0.5)) for _ in range(2))
    assert first == again
    assert all(torch.equal(before[n], t) for n, t in subject.student.weights().items())
    states = subject.learner.optimizer.state.values()
    assert all(torch.equal(m, s["momentum_buffer"]) for m, s in zip(momentum, states, strict=True))
    assert subject.student.module.training
    assert subject.data.test_reads == 0


def test_recalibrated_statistics_are_those_of_the_batches() -> None:
    norm = torch.nn.BatchNorm2d(3)
    norm.eval()
    batches = [torch.randn(8, 3, 4, 4) * 2 + 1 for _ in range(3)]
    recalibrate(norm, [(batch,) for batch in batches])
    mean = torch.stack([batch.mean((0, 2, 3)) for batch in batches]).mean(0)
    variance = torch.stack([batch.transpose(0, 1).flatten(1).var(1) for batch in batches]).mean(0)
    torch.testing.assert_close(norm.running_mean, mean)
    torch.testing.assert_close(norm.running_var, variance)
    assert norm.momentum == 0.1
    assert not norm.training


def test_a_network_without_statistics_is_left_alone() -> None:
    layer = torch.nn.BatchNorm2d(3, track_running_stats=False)
    recalibrate(layer, [])
    assert layer.momentum == 0.1
