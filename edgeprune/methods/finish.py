"""What follows a method's own training: the 2:4 pattern, then training for INT8."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from torch import Tensor, nn

from edgeprune.data.randomness import keyed_generator
from edgeprune.errors import EdgepruneError, UserInputError
from edgeprune.methods.run import Run
from edgeprune.methods.student import Student
from edgeprune.methods.training import Training
from edgeprune.models.layer_roles import LayerRoles, layer_roles, owns_its_weight
from edgeprune.prune.two_to_four import (
    PatternReport,
    check_two_to_four,
    layers_for_pattern,
    two_to_four_masks,
)
from edgeprune.recipe import Recipe
from edgeprune.train.calibrate import first_scales
from edgeprune.train.learner import Learner
from edgeprune.train.settings import LossSettings

_CALIBRATION_BATCHES = 8


@dataclass(frozen=True)
class Finish:
    """What the finishing stages left; None for a stage that the recipe does not ask for.

    Attributes:
        pattern: how the layers stand to the 2:4 pattern, after all stages.
        scales: learned INT8 input scale by module path.
    """

    pattern: PatternReport | None = None
    scales: Mapping[str, float] | None = None


def check_finish(recipe: Recipe, student: nn.Module, example: tuple[Tensor, ...]) -> None:
    """Refuse, before anything is trained, stages that this student cannot have.

    Raises:
        UserInputError: no layer can have the 2:4 pattern, or none can be quantised.
    """
    if recipe.granularity != "2:4" and not recipe.qat:
        return
    roles = layer_roles(student, example)
    if recipe.granularity == "2:4":
        layers_for_pattern(student, roles.reads_inputs)
    if recipe.qat and not quantised_layers(recipe, student, roles):
        raise UserInputError(
            "--qat: no layer is left to quantise: all that run as modules of their own "
            f"({', '.join(roles.ran[:3]) or 'none'}) read the images or give the outputs, which "
            "stay as they are unless --set qat_ends=true"
        )


def quantised_layers(recipe: Recipe, student: nn.Module, roles: LayerRoles) -> tuple[str, ...]:
    """Paths of the layers that compute as INT8, in the order in which they run."""
    paths = roles.ran if recipe.qat_ends else roles.inner
    return tuple(path for path in paths if owns_its_weight(student.get_submodule(path)))


def first_frozen_epoch(epochs: int) -> int:
    """The epoch from which batch norms keep their statistics: half way, of a single one never.

    Statistics of single batches jitter, and with them what the scales have to cover (Krishnamoorthi
    2018, arXiv 1806.08342).
    """
    return (epochs + 1) // 2


def finish(
    run: Run,
    student: Student,
    loss: LossSettings | None = None,
    *,
    prefix: str = "",
    sparse: bool = True,
) -> Finish:
    """Carry out the finishing stages on `student`, in place.

    Args:
        loss: in place of SAD.
        prefix: of the stages' names, which tells controls apart.
        sparse: whether the 2:4 pattern is applied; if not, its epochs are trained all the same.

    Raises:
        EdgepruneError: a layer lost the pattern again.
    """
    loss = loss or run.sad_loss()
    scales = None
    if run.recipe.granularity == "2:4":
        _sparsify(run, student, f"{prefix}sparse", run.sparse_training().with_loss(loss), sparse)
    if run.recipe.qat:
        scales = _quantise(run, student, f"{prefix}qat", run.qat_training().with_loss(loss))
    has_pattern = run.recipe.granularity == "2:4" and sparse
    return Finish(_verified(run, student) if has_pattern else None, scales)


def _sparsify(run: Run, student: Student, stage: str, training: Training, sparse: bool) -> None:
    """Hold the smaller two of every four weights at zero, and let the others make up for it."""

    def project() -> None:
        student.masks = two_to_four_masks(student.module, _roles(run, student).reads_inputs)
        student.hold()

    run.train(student, stage, training, begin=project if sparse else None)


def _quantise(run: Run, student: Student, stage: str, training: Training) -> dict[str, float]:
    """Train with fake quantisation; the student is a plain network again afterwards."""
    frozen_from = first_frozen_epoch(training.epochs)

    def begin() -> None:
        module = student.module.to(run.world.device)
        paths = quantised_layers(run.recipe, module, _roles(run, student))
        batches = _calibration_inputs(run)
        student.quantise(first_scales(module, paths, batches, run.world, run.precision))

    def freeze_late(epoch: int, learner: Learner) -> None:
        learner.freeze_statistics = epoch >= frozen_from

    run.train(student, stage, training, before_epoch=freeze_late, begin=begin)
    return student.dequantise()


def _verified(run: Run, student: Student) -> PatternReport:
    report = check_two_to_four(student.module, _roles(run, student).reads_inputs)
    if report.broken:
        raise EdgepruneError(
            f"the 2:4 pattern does not hold in {', '.join(report.broken[:3])} after training: "
            "this is a fault of edgeprune; please report it with recipe.yaml"
        )
    return report


def _roles(run: Run, student: Student) -> LayerRoles:
    device = next(student.module.parameters()).device
    return layer_roles(student.module, tuple(t.to(device) for t in run.data.example_inputs(2)))


def _calibration_inputs(run: Run) -> Iterator[tuple[Tensor, ...]]:
    """Inputs of some training batches, as they are without augmentation."""
    batches = run.data.train_batches(
        epoch=0,
        batch_size=run.recipe.batch_size,
        seed=keyed_generator(run.recipe.seed, "calibration").initial_seed() % 2**31,
        rank=run.world.rank,
        world_size=run.world.size,
        augment=False,
    )
    for batch in islice(batches, _CALIBRATION_BATCHES):
        yield batch.to(run.world.device).inputs
