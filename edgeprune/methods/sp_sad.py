"""SP-SAD: structured pruning while training with the SAD loss (arXiv 2401.10484, section III)."""

from __future__ import annotations

from typing import Any

from edgeprune.methods.plan import sp_events
from edgeprune.methods.run import Run
from edgeprune.methods.student import Student
from edgeprune.train.learner import Learner


def sp_sad(run: Run) -> Student:
    """Train with SAD; at every event remove the lowest-scored channels and carry the rest over.

    With `warm_epochs` the original student is trained with SAD first, so that the first event has
    something to score and comes at once; the report counts those epochs as search.
    A step at the full rate that follows a large removal can ruin what was kept: `event_warmup`
    lets the rate rise anew after each event.
    The optimiser's state, the batch norms and the SAD head shrink with the network, so an epoch
    gets cheaper with every event.
    """
    student = run.original_student()
    events = sp_events(run.recipe)
    if run.recipe.warm_epochs:
        run.train(student, "warm", run.warm_training())
        run.start = student.weights()

    def prune_when_due(epoch: int, learner: Learner) -> dict[str, Any] | None:
        if epoch not in events:
            return None
        return run.prune(student, events[epoch], learner)

    run.train(student, "sp-sad", run.final_training(), before_epoch=prune_when_due)
    return student
