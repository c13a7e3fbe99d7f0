"""The finishing stages in report.json and in the student's provenance."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn

from edgeprune.methods.finish import Finish, first_frozen_epoch
from edgeprune.methods.run import Run
from edgeprune.train.evaluate import predict
from edgeprune.train.fake_layers import fake_copy
from edgeprune.train.score import score_of

FAKE_INT8 = "student_fake_int8"

Forward = Callable[[tuple[Tensor, ...]], Tensor]


def fake_forward(student: nn.Module, finish: Finish) -> dict[str, Forward]:
    """The student as INT8 would compute it, under the name of its predictions; {} without QAT."""
    if finish.scales is None:
        return {}
    fake = fake_copy(student.eval(), finish.scales)
    return {FAKE_INT8: functools.partial(forward, fake)}


def finish_provenance(finish: Finish) -> dict[str, Any]:
    """What a checkpoint says of the stages besides its weights and scales."""
    return {} if finish.pattern is None else {"two_to_four": list(finish.pattern.sparse)}


def finish_figures(
    run: Run, student: nn.Module, finish: Finish, metric: Mapping[str, float]
) -> dict[str, Any]:
    """report.json's `two_to_four` and `qat`, each where its stage ran.

    Args:
        metric: on the test split, of `student` and, with QAT, of `FAKE_INT8`.
    """
    figures: dict[str, Any] = {}
    if finish.pattern is not None:
        training = run.sparse_training()
        figures["two_to_four"] = {
            "epochs": training.epochs,
            "lr": training.rate.peak,
            "layers": list(finish.pattern.sparse),
            "left_out": [
                {"layer": layer, "reason": reason}
                for layer, reason in finish.pattern.left_out.items()
            ],
        }
    if finish.scales is not None:
        training = run.qat_training()
        figures["qat"] = {
            "epochs": training.epochs,
            "lr": training.rate.peak,
            "statistics_frozen_after": min(first_frozen_epoch(training.epochs), training.epochs),
            "layers": list(finish.scales),
            "val": _validate(run, student, finish),
            "test": {"float": metric["student"], "int8": metric[FAKE_INT8]},
        }
    return figures


def forward(network: nn.Module, inputs: tuple[Tensor, ...]) -> Tensor:
    """The outputs of a network that has the batch in a tuple."""
    outputs: Tensor = network(*inputs)
    return outputs


def _validate(run: Run, student: nn.Module, finish: Finish) -> dict[str, float]:
    """The metric on the validation split, plain and with fake quantisation."""
    plain: Forward = functools.partial(forward, student)
    forwards = {"float": plain, **fake_forward(student, finish)}
    found = predict(forwards, run.data, "val", run.world.device)
    targets = found.pop("targets")
    score = score_of(run.data)
    metric = {name: score.mean(predicted, targets) for name, predicted in found.items()}
    return {"float": metric["float"], "int8": metric[FAKE_INT8]}
