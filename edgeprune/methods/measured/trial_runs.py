"""How good a pruned network is likely to become, without training it to the end.

The statistics that batch norms keep no longer fit once channels are gone; taken anew from a few
batches they tell good networks from bad ones without training (EagleEye: Li et al., ECCV 2020,
arXiv 2007.02491). A few steps of training before that tell more: of ten networks of one latency
(WRN-16-1, Fashion-MNIST) the order of accuracy after three epochs was met with a rank correlation
of 0.4 to 0.6 without, and of 0.8 to 0.9 after 15 steps.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace

import torch
from torch import Tensor, nn

from edgeprune.data.batch import Batch
from edgeprune.data.dataset import Data
from edgeprune.data.randomness import keyed_seed
from edgeprune.methods.student import Student
from edgeprune.models.modes import evaluating
from edgeprune.prune.removal import Removal
from edgeprune.train.evaluate import EVAL_BATCH
from edgeprune.train.learner import Learner

_STEPS = 15  # of the short training
_RECALIBRATED = 8  # batches
_HELD_OUT = 1024  # samples of the validation split
_HELD_BYTES = 256 << 20  # that these may take

Cut = Callable[[Student, Removal], None]


class TrialRuns:
    """Judges removals by the loss of copies, on the validation split.

    Runs in one process, whatever the world; the student and its learner stay as they are.

    Args:
        student: the network as it is.
        learner: trains it; copies are trained at its present rate, without the attention head.
        data: batches for training and validation.
        cut: removes channels from a student.
    """

    def __init__(self, student: Student, learner: Learner, data: Data, cut: Cut) -> None:
        self._student = student
        self._learner = learner
        self._data = data
        self._cut = cut
        self._settings = replace(learner.settings, loss=replace(learner.settings.loss, beta=0.0))
        self._rate = float(learner.optimizer.param_groups[0]["lr"])
        self._device = learner.world.device
        self._plain = list(self._batches("recalibration", _RECALIBRATED, augment=False))
        self._held_out = [(batch, self._answers(batch)) for batch in self._spread()]

    def loss(self, removal: Removal) -> float:
        """On held-out samples after a short training, but for the attention head's part."""
        candidate = self._student.copy()
        self._cut(candidate, removal)
        learner = self._learner.alone(candidate.module, self._settings)
        learner.train_mode()
        for number, batch in enumerate(self._batches("trial", _STEPS, augment=True)):
            learner.step(batch, 0, number, self._rate)
        recalibrate(candidate.module, [batch.inputs for batch in self._plain])
        total, seen = 0.0, 0
        with evaluating(candidate.module), torch.inference_mode():
            for batch, answers in self._held_out:
                total += float(learner.judge(batch, answers).total) * len(batch)
                seen += len(batch)
        return total / seen

    def _answers(self, batch: Batch) -> Tensor | None:
        teacher = self._learner.teacher
        if teacher is None or not self._settings.loss.uses_teacher:
            return None
        return teacher.predict(batch.inputs)

    def _spread(self) -> Iterator[Batch]:
        one = sum(t.element_size() * t[0].numel() for t in self._data.example_inputs(1))
        samples = min(_HELD_OUT, max(EVAL_BATCH, _HELD_BYTES // one))
        for batch in self._data.spread_batches("val", samples, batch_size=EVAL_BATCH):
            yield batch.to(self._device)

    def _batches(self, use: str, count: int, *, augment: bool) -> Iterator[Batch]:
        settings = self._settings
        batches = self._data.train_batches(
            epoch=0,
            batch_size=settings.batch_size,
            seed=keyed_seed(settings.seed, use) % 2**31,
            augment=augment,
        )
        for batch in itertools.islice(batches, count):
            yield batch.to(self._device)


def recalibrate(module: nn.Module, batches: list[tuple[Tensor, ...]]) -> None:
    """Give the batch norms of a network, if it has any, their mean statistics over batches."""
    norms = [
        norm
        for norm in module.modules()
        if isinstance(norm, nn.modules.batchnorm._BatchNorm) and norm.track_running_stats
    ]
    if not norms:
        return
    momenta = [norm.momentum for norm in norms]
    with evaluating(module), torch.no_grad():
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # every batch counts alike
            norm.train()
        for inputs in batches:
            module(*inputs)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
