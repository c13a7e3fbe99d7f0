"""From what a user names to a run that can start."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from edgeprune.data.dataset import Data
from edgeprune.data.randomness import keyed_generator
from edgeprune.data.registry import load_data
from edgeprune.deploy.cpu_meter import TURNS, CpuMeter
from edgeprune.deploy.meter import Meter
from edgeprune.distill.taps import default_taps, tap_shapes
from edgeprune.errors import UserInputError
from edgeprune.methods.finish import check_finish
from edgeprune.methods.measured.budget import MeasuredBudget
from edgeprune.methods.run import Run
from edgeprune.methods.shared_rows import of_dense_size, with_shared_rows
from edgeprune.methods.sources import (
    StudentSource,
    TeacherSource,
    student_source,
)
from edgeprune.methods.student import seeded
from edgeprune.models.classes import output_columns
from edgeprune.models.known_inputs import require_known_inputs
from edgeprune.models.summary import count_params
from edgeprune.models.teacher import LoadedModel
from edgeprune.recipe import Recipe
from edgeprune.train.distributed import World
from edgeprune.train.precision import Precision, choose_precision
from edgeprune.train.progress import Progress
from edgeprune.train.run_folder import RunFolder
from edgeprune.train.score import task_of
from edgeprune.train.teacher import Teacher
from edgeprune.train.teacher_cache import TeacherCache
from edgeprune.wording import brief

MEASURED = "measured"  # of a run folder: what was measured for its budgets


@dataclass(frozen=True)
class Sources:
    """What `compress` was given, each as a name or as the thing itself."""

    teacher: str | os.PathLike[str] | TeacherSource | nn.Module
    student: str | Callable[[], nn.Module] | None
    data: str | Data
    loss: Callable[..., Any] | None = None
    teacher_cache: str | os.PathLike[str] | None = None
    meter: Meter | None = None
    table_cache: str | os.PathLike[str] | None = None

    def names(self) -> dict[str, Any]:
        """Recipe settings that name the data and, where it has a name, the student."""
        data = self.data if isinstance(self.data, str) else self.data.name
        student = self.student if isinstance(self.student, str) else None
        return {"data": data, **({"student": student} if student else {})}

    def teacher_fingerprint(self) -> str:
        """What tells this teacher from another when a run is resumed."""
        if isinstance(self.teacher, nn.Module):
            return fingerprint(self.teacher)
        return self._teacher_source().fingerprint()

    def load_data(self, recipe: Recipe, progress: Progress) -> Data:
        """The data set; decoding thousands of files shows how far it is."""
        if isinstance(self.data, Data):
            return self.data
        return load_data(
            self.data,
            seed=recipe.seed,
            val_fraction=recipe.val_fraction,
            train_limit=recipe.train_limit,
            image_size=recipe.image_size,
            augment=recipe.augment,
            progress=progress.decoding,
        )

    def load_teacher(self, data: Data) -> LoadedModel:
        """The teacher."""
        if isinstance(self.teacher, nn.Module):
            return LoadedModel.of_module(self.teacher, classes=data.classes or None)
        return self._teacher_source().load(data)

    def make_student(self, recipe: Recipe, teacher: LoadedModel, data: Data) -> StudentSource:
        """How the original student is made."""
        factory = self.student
        if callable(factory):
            make = seeded(factory, keyed_generator(recipe.seed, "student").initial_seed())
            name = getattr(factory, "__name__", "user")
            return StudentSource(make, name, fresh=lambda seed: seeded(factory, seed)())
        return student_source(recipe.student, teacher, data, recipe.seed)

    def measured_budget(
        self, recipe: Recipe, folder: RunFolder, progress: Progress
    ) -> MeasuredBudget | None:
        """What measures the recipe's budgets in milliseconds and millijoules, if it has any.

        Raises:
            UserInputError: a target is named, and there is nothing to measure on it.
        """
        targets = recipe.measured_targets
        if not targets:
            if self.meter is not None:
                raise UserInputError(
                    "--target, --host: nothing is measured there without a budget; add "
                    "--target-latency-ms or --target-energy-mj"
                )
            return None
        meter = self.meter or CpuMeter(
            recipe.latency_batch,
            recipe.latency_threads,
            replace(TURNS, repeats=recipe.latency_repeats),
            energy="target_energy_mj" in targets,
        )
        own = folder.path / MEASURED
        tables = own if self.table_cache is None else Path(self.table_cache)
        return MeasuredBudget(targets, meter, own, tables, progress)

    def _teacher_source(self) -> TeacherSource:
        if isinstance(self.teacher, TeacherSource):
            return self.teacher
        assert not isinstance(self.teacher, nn.Module)
        return TeacherSource(os.fspath(self.teacher))


@dataclass(frozen=True)
class Context:
    """What the report needs to know beyond the run itself."""

    teacher: LoadedModel
    student: StudentSource

    @property
    def fresh_weights(self) -> Callable[[int], dict[str, Tensor]] | None:
        """Original-size weights from another seed, where the architecture is known."""
        fresh = self.student.fresh
        if fresh is None:
            return None
        return lambda seed: dict(fresh(seed).state_dict())


def prepare_run(
    recipe: Recipe, sources: Sources, folder: RunFolder, world: World, progress: Progress
) -> tuple[Run, Context]:
    """Load data and networks, check that they fit together, and find the taps.

    Raises:
        UserInputError: they do not fit; one line says how.
    """
    data = sources.load_data(recipe, progress)
    for note in data.notes:
        progress.note(note)
    _check_gate(recipe, data)
    loaded = sources.load_teacher(data)
    _check_task(loaded, data)
    if loaded.preprocessing is not None:
        data = data.with_preprocessing(loaded.preprocessing)
    require_known_inputs(loaded, data)
    columns = output_columns(loaded, data.classes)
    student = sources.make_student(recipe, loaded, data)
    student = with_shared_rows(student, recipe, data, progress.note)
    recipe = of_dense_size(recipe, student)
    probe = data.example_inputs(2)
    original = student.build()
    _check_student(original, probe, data, loaded)
    check_finish(recipe, original, probe)
    uses_head = recipe.beta > 0
    teacher_taps = recipe.teacher_taps or (default_taps(loaded.module, probe) if uses_head else ())
    student_taps = recipe.student_taps or (default_taps(original, probe) if uses_head else ())
    if uses_head:
        tap_shapes(loaded.module, teacher_taps, probe)
        tap_shapes(original, student_taps, probe)
    teacher = Teacher(loaded.module, tuple(teacher_taps), columns)
    teacher.module.to(world.device)
    precision = choose_precision(recipe.precision, world.device)
    if sources.teacher_cache is not None:
        identity = _what_decides_answers(teacher, precision)
        teacher.cache = TeacherCache(sources.teacher_cache, identity, progress.note)
    run = Run(
        recipe,
        data,
        teacher,
        student.build,
        tuple(student_taps),
        folder,
        world,
        precision,
        progress,
        sources.loss,
        sources.measured_budget(recipe, folder, progress),
    )
    return run, Context(loaded, student)


def _check_gate(recipe: Recipe, data: Data) -> None:
    """A gate on accuracy is of classes, one on the error of values, one on hits of lists."""
    given = {
        name: getattr(recipe, name) is not None
        for name in ("min_accuracy", "max_mse", "min_hit_rate")
    }
    own, has, use = {
        "classification": ("min_accuracy", "classes", "--min-accuracy"),
        "regression": ("max_mse", "values, not classes", "--set max_mse="),
        "ranking": ("min_hit_rate", "lists, not classes", "--set min_hit_rate="),
    }[data.task]
    for name, is_given in given.items():
        if is_given and name != own:
            shown = "--min-accuracy" if name == "min_accuracy" else name
            raise UserInputError(f"{shown}: the data has {has}; use {use}")


def _check_task(teacher: LoadedModel, data: Data) -> None:
    """Logits that rank items are no ratings: a teacher of the one is none of the other."""
    tasks = {task_of(name) for name in teacher.metrics} - {None}
    if tasks and data.task not in tasks:
        does = {"classification": "classes", "regression": "values", "ranking": "lists of items"}
        learnt = " and ".join(does[task] for task in sorted(filter(None, tasks)))
        raise UserInputError(
            f"{teacher.source or 'the teacher'}: was trained for {learnt}, the data {data.name} "
            f"has {does[data.task]}; give the data that it was trained on, or train it again"
        )


def _what_decides_answers(teacher: Teacher, precision: Precision) -> dict[str, Any]:
    device = next(teacher.module.parameters()).device
    return {
        "network": type(teacher.module).__name__,
        "weights": fingerprint(teacher.module),
        "taps": teacher.taps,
        "columns": None if teacher.columns is None else teacher.columns.tolist(),
        "precision": precision.name,
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
    }


def fingerprint(module: nn.Module) -> str:
    """SHA-256 over names and values of a module's state."""
    digest = hashlib.sha256()
    for name, tensor in module.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().flatten().numpy().tobytes())
    return digest.hexdigest()


def _check_student(
    student: nn.Module, probe: tuple[Tensor, ...], data: Data, teacher: LoadedModel
) -> None:
    outputs = _outputs(student, probe)
    count = outputs.shape[1] if outputs.dim() == 2 else 0
    if data.task != "classification" and outputs.numel() != len(probe[0]):
        raise UserInputError(
            f"the student gives {tuple(outputs.shape)} for {len(probe[0])} inputs, the data has "
            "one value per sample: name a --student with one output"
        )
    if data.classes and count != len(data.classes):
        raise UserInputError(
            f"the student gives {tuple(outputs.shape)} for {len(probe[0])} inputs, the data has "
            f"{len(data.classes)} classes: name a --student with one output per class"
        )
    teacher_params, student_params = count_params(teacher.module), count_params(student)
    if student_params > teacher_params:
        raise UserInputError(
            f"the student ({student_params:,} parameters) is larger than the teacher "
            f"({teacher_params:,}): choose a smaller --student"
        )


def _outputs(student: nn.Module, probe: tuple[Tensor, ...]) -> Tensor:
    try:
        with torch.no_grad():
            outputs = student.eval()(*probe)
    except Exception as failure:  # whatever a user's own forward raises
        shape = "x".join(str(side) for side in probe[0].shape[1:])
        raise UserInputError(
            f"the student cannot take the data's {shape} inputs: {brief(failure)}; "
            "name another --student"
        ) from failure
    if not isinstance(outputs, Tensor):
        raise UserInputError(
            f"the student returns a {type(outputs).__name__}, not one tensor of (batch, classes): "
            "name another --student"
        )
    return outputs
