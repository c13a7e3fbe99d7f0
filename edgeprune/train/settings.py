"""What one training needs to know; a recipe yields several of these."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from edgeprune.train.learning_rate import LearningRate


@dataclass(frozen=True)
class LossSettings:
    """Weights of `task + alpha * KL * tau^2 + beta * AFD`; no teacher runs where both are 0."""

    alpha: float = 0.0
    beta: float = 0.0
    tau: float = 4.0
    head_dim: int = 128

    @property
    def uses_teacher(self) -> bool:
        """Whether the teacher's outputs or features enter the loss."""
        return self.alpha > 0 or self.beta > 0


@dataclass(frozen=True)
class OptimiserSettings:
    """SGD with momentum, or Adam, for which neither momentum nor Nesterov's applies."""

    momentum: float = 0.9
    weight_decay: float = 5e-4
    nesterov: bool = False
    kind: Literal["sgd", "adam"] = "sgd"


@dataclass(frozen=True)
class FitSettings:
    """One training from its first to its last epoch.

    Attributes:
        stage: name of the training inside its run; its state files carry it.
        epochs: whole epochs.
        batch_size: samples per step over all processes.
        rate: learning rate schedule.
        seed: of shuffling, augmentation and dropout, and of the head's weights.
        steps: length of the training in steps, where it ends within an epoch; `epochs` then is
            what it takes part of.
        event_warmup: share of an epoch in which the rate rises anew after a pruning event.
        compile: whether the forward and backward passes go through `torch.compile`.
    """

    stage: str
    epochs: int
    batch_size: int
    rate: LearningRate
    loss: LossSettings
    optimiser: OptimiserSettings
    seed: int
    precision: str = "auto"
    steps: int | None = None
    event_warmup: float = 0.0
    compile: bool = False
