"""The search for a lottery ticket: prune, rewind to an early step, train again.

Frankle & Carbin (ICLR 2019) with rewinding (Frankle et al., ICML 2020), on networks that get
physically smaller from round to round.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from edgeprune.methods.plan import round_progress
from edgeprune.methods.run import Run
from edgeprune.methods.student import Student
from edgeprune.methods.training import Training


@dataclass(frozen=True)
class Ticket:
    """A network at the wanted size, before its last training.

    Attributes:
        student: the network, holding θ_k restricted to what is left.
        trained: the weights the last round's training left in the same channels.
        start: θ_k at the original size.
        rounds: number of rounds searched.
    """

    student: Student
    trained: dict[str, Tensor]
    start: dict[str, Tensor]
    rounds: int


def search_ticket(run: Run, training: Training) -> Ticket:
    """Rounds of `training`, each ending in a removal scored on the trained weights.

    With `carry_over` a round goes on from those weights, and only the learning rate starts anew
    (learning-rate rewinding: Renda et al., ICLR 2020, arXiv 2003.02389).

    With `refill` the rounds mask single weights; at the end the channels that kept the most of them
    get θ_k's others back and the rest are removed (`prune.refill`).
    """
    student = run.original_student()
    start = early_weights(run, student, training)
    trained: dict[str, Tensor] = {}
    rounds = round_progress(run.recipe)
    for number, progress in enumerate(rounds):
        if not run.recipe.carry_over:
            student.rewind(start)
        run.train(student, f"round-{number + 1}", training.starting_at(number))
        run.prune_between(student, f"cut-{number + 1}", progress, training)
        trained = student.weights()
    if run.recipe.refill:
        run.refill(student, start)
        trained = student.weights()
    student.rewind(start)
    return Ticket(student, trained, start, len(rounds))


def early_weights(run: Run, student: Student, training: Training) -> dict[str, Tensor]:
    """θ_k: the weights after k steps; k = 0 (the paper's choice) is the initialisation."""
    if run.recipe.rewind > 0:
        run.train(student, "rewind", run.early_training(training))
    run.start = student.weights()
    return run.start
