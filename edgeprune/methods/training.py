"""The trainings a recipe asks for: one for the delivered network, one for search rounds."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from edgeprune.recipe import Recipe
from edgeprune.train.learning_rate import LearningRate
from edgeprune.train.settings import FitSettings, LossSettings, OptimiserSettings


@dataclass(frozen=True)
class Training:
    """One kind of training, before it gets a name and a network."""

    epochs: int
    loss: LossSettings
    rate: LearningRate
    lr_scope: str = "round"
    round_epochs: int = 0
    steps: int | None = None

    def starting_at(self, round_number: int) -> Training:
        """The same training as round `round_number`: with one schedule over all rounds, later."""
        if self.lr_scope != "run":
            return self
        return replace(self, rate=replace(self.rate, offset=round_number * self.round_epochs))

    def with_loss(self, loss: LossSettings) -> Training:
        """The same training under another loss."""
        return replace(self, loss=loss)

    def lengthened(self, epochs: int) -> Training:
        """The same training over `epochs`, its schedule stretched to them."""
        factor = epochs / self.epochs
        milestones = tuple(round(factor * milestone) for milestone in self.rate.milestones)
        rate = replace(self.rate, epochs=epochs, milestones=milestones)
        return replace(self, epochs=epochs, rate=rate)

    def fit_settings(self, stage: str, recipe: Recipe) -> FitSettings:
        """Settings for the training loop."""
        return FitSettings(
            stage=stage,
            epochs=self.epochs,
            batch_size=recipe.batch_size,
            rate=self.rate,
            loss=self.loss,
            optimiser=OptimiserSettings(
                recipe.momentum, recipe.weight_decay, recipe.nesterov, recipe.optimizer
            ),
            seed=recipe.seed,
            precision=recipe.precision,
            steps=self.steps,
            event_warmup=recipe.event_warmup,
        )


def sad_loss(recipe: Recipe) -> LossSettings:
    """The recipe's SAD loss."""
    return LossSettings(recipe.alpha, recipe.beta, recipe.tau, recipe.head_dim)


def plain_loss() -> LossSettings:
    """The task loss alone."""
    return LossSettings()


def kd_loss(recipe: Recipe) -> LossSettings:
    """SAD without its attention term."""
    return replace(sad_loss(recipe), beta=0.0)


def final_training(recipe: Recipe) -> Training:
    """The training of the delivered network, with SAD."""
    return _training(recipe, recipe.epochs, sad_loss(recipe), recipe.lr, recipe.milestones)


def warm_training(recipe: Recipe) -> Training:
    """The original student's, with SAD and a learning rate of its own."""
    return _training(recipe, recipe.warm_epochs, sad_loss(recipe), recipe.lr, ())


def sparse_training(recipe: Recipe) -> Training:
    """The delivered network's with the 2:4 pattern held, with SAD."""
    return _finishing(recipe, recipe.sparse_epochs, recipe.sparse_lr or recipe.lr / 10)


def qat_training(recipe: Recipe) -> Training:
    """The delivered network's with fake quantisation, with SAD."""
    return _finishing(recipe, recipe.qat_epochs, recipe.qat_lr or recipe.lr / 100)


def search_training(recipe: Recipe, loss: LossSettings) -> Training:
    """One lottery round."""
    milestones = recipe.search_milestones or recipe.milestones
    return _training(recipe, recipe.every, loss, recipe.search_lr or recipe.lr, milestones)


def early_training(recipe: Recipe, training: Training, steps_per_epoch: int) -> Training:
    """What leads to θ_k: the first k steps of a round, at the rates they have there.

    A k beyond a round is a training of that length, with a schedule of its own.
    """
    epochs = recipe.rewind * recipe.every
    steps = max(1, math.ceil(epochs * steps_per_epoch))
    rate = replace(training.rate, epochs=max(epochs, training.rate.epochs))
    return replace(training, steps=steps, rate=rate)


def _finishing(recipe: Recipe, epochs: int | None, lr: float) -> Training:
    """A short training from trained weights: its rate falls from the first step on, to zero."""
    epochs = epochs or max(1, recipe.epochs // 3)
    return Training(epochs, sad_loss(recipe), LearningRate(lr, "cosine", epochs))


def _training(
    recipe: Recipe, epochs: int, loss: LossSettings, lr: float, milestones: tuple[int, ...]
) -> Training:
    rate = LearningRate(
        peak=lr,
        kind=recipe.lr_schedule,
        epochs=epochs,
        milestones=milestones,
        gamma=recipe.lr_gamma,
        warmup=recipe.warmup,
    )
    return Training(epochs, loss, rate, recipe.lr_scope, recipe.every)
