"""Controls at equal size and equal epochs: what a method has to beat to mean something."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from torch import Tensor

from edgeprune.data.randomness import keyed_generator
from edgeprune.errors import UserInputError
from edgeprune.methods import training as trainings
from edgeprune.methods.finish import finish
from edgeprune.methods.run import Run
from edgeprune.methods.student import Student
from edgeprune.recipe import Control

StartWeights = dict[str, Tensor]
Fresh = Callable[[int], StartWeights]


def check_controls(controls: Sequence[str], fresh: Fresh | None) -> None:
    """Refuse, before anything is trained, a control that this student cannot have.

    Raises:
        UserInputError: `reinit` of a network that only its file knows.
    """
    if "reinit" in controls and fresh is None:
        raise UserInputError(
            "--control reinit: this student is a copy of a file's network and has no other "
            "initialisation; name an architecture with --student"
        )


def run_control(
    run: Run,
    control: Control,
    delivered: Student,
    start: StartWeights,
    fresh: Fresh | None,
    search_epochs: float,
) -> Student:
    """Train one control with the epochs and settings of the delivered network's trainings.

    It goes through the finishing stages as well, except that a dense control stays dense. Only
    `dense-long` gets more epochs: those that the method spent on its search, so that what a
    student gained by pruning can be told from what it gained by training longer.

    Args:
        delivered: the method's result, before any finishing stage; its widths and masks are the
            control's.
        start: the original-size weights the method's ticket starts from.
        fresh: original-size weights of another seed; None where only a file knows the network.
        search_epochs: what the method spent before the delivered network's own training.
    """
    student = _MAKERS[control](run, delivered, start, fresh)
    final = run.final_training()
    if control == "dense-long":
        final = final.lengthened(final.epochs + math.ceil(search_epochs))
    loss = {
        "ce": trainings.plain_loss(),
        "dense-ce": trainings.plain_loss(),
        "kd-only": trainings.kd_loss(run.recipe),
    }.get(control, final.loss)
    stage = f"control-{control}"
    run.train(student, stage, final.with_loss(loss))
    finish(run, student, loss, prefix=f"{stage}-", sparse=_MAKERS[control] is not _dense)
    return student


def _dense(run: Run, *_: object) -> Student:
    return run.original_student()


def _same_mask(_run: Run, delivered: Student, start: StartWeights, _fresh: object) -> Student:
    student = delivered.copy()
    student.rewind(start)
    return student


def _reinit(run: Run, delivered: Student, _start: StartWeights, fresh: Fresh | None) -> Student:
    assert fresh is not None, "check_controls comes first"
    student = delivered.copy()
    student.rewind(fresh(keyed_generator(run.recipe.seed, "reinit").initial_seed()))
    return student


def _random_mask(run: Run, delivered: Student, start: StartWeights, _fresh: object) -> Student:
    rng = np.random.default_rng(keyed_generator(run.recipe.seed, "random-mask").initial_seed())
    student = run.original_student()
    run.pruner.prune_like(student, delivered, rng)
    student.rewind(start)
    return student


def _width(run: Run, delivered: Student, *_: object) -> Student:
    student = run.original_student()
    run.pruner.prune_uniformly(student, delivered)
    return student


_MAKERS: dict[str, Callable[[Run, Student, StartWeights, Fresh | None], Student]] = {
    "dense": _dense,
    "dense-long": _dense,
    "dense-ce": _dense,
    "width": _width,
    "reinit": _reinit,
    "random-mask": _random_mask,
    "ce": _same_mask,
    "kd-only": _same_mask,
}
