"""`edgeprune.compress`: from a trained teacher to a verified student and its report."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

from torch import nn

from edgeprune.atomic import write_text_atomic
from edgeprune.data.dataset import Data
from edgeprune.deploy.meter import Meter
from edgeprune.errors import AccuracyGateMissedError, UnsupportedError, UserInputError
from edgeprune.methods.controls import check_controls, run_control
from edgeprune.methods.finish import finish
from edgeprune.methods.history_file import RecordedProgress
from edgeprune.methods.lth_sad import lth_sad
from edgeprune.methods.machine import hold_conditions
from edgeprune.methods.measured.verdict import require_measured
from edgeprune.methods.outcome import Outcome, deliver, search_epochs
from edgeprune.methods.plan import check_plan
from edgeprune.methods.run import Run
from edgeprune.methods.setup import Sources, prepare_run
from edgeprune.methods.sources import TeacherSource
from edgeprune.methods.sp_sad import sp_sad
from edgeprune.methods.ss_sad import ss_sad
from edgeprune.methods.student import Student
from edgeprune.recipe import CONTROLS, Control, Recipe, default_settings, resolve_recipe
from edgeprune.report.html import write_html
from edgeprune.report.run_report import REPORT_NAME, RunReport, load_report
from edgeprune.train.distributed import World, join_world, leave_world
from edgeprune.train.precision import choose_precision
from edgeprune.train.progress import ConsoleProgress, Progress
from edgeprune.train.run_folder import RunFolder

_GATES = ("min_accuracy", "max_mse", "min_hit_rate")
METHODS: dict[str, Callable[[Run], Student]] = {
    "sp_sad": sp_sad,
    "lth_sad": lth_sad,
    "ss_sad": ss_sad,
}


def compress(
    teacher: str | os.PathLike[str] | TeacherSource | nn.Module,
    student: str | Callable[[], nn.Module] | None = None,
    data: str | Data = "digits",
    method: str = "ss_sad",
    loss: Callable[..., Any] | None = None,
    *,
    preset: str = "quick",
    out: str | os.PathLike[str] = "runs/compress",
    controls: Sequence[str] = (),
    device: str = "auto",
    teacher_cache: str | os.PathLike[str] | None = None,
    meter: Meter | None = None,
    table_cache: str | os.PathLike[str] | None = None,
    show_progress: bool = False,
    **settings: Any,
) -> RunReport:
    """Prune and distil a student under a teacher, verify it, export it and measure it.

    Everything lands in the folder `out`; the same call goes on with an unfinished run and returns
    at once from a finished one.

    Args:
        teacher: a checkpoint (see `TeacherSource` for what can be said about it) or a module
            whose outputs are in the order of the data's classes.
        student: architecture, `pkg.mod:factory`, or a callable that makes the network; None takes
            a copy of the teacher.
        data: specification (see `edgeprune.data.load_data`) or a `Data`.
        method: `sp_sad`, `lth_sad` or `ss_sad`.
        loss: `loss(outputs, targets) -> scalar` in place of cross-entropy.
        preset: `paper`, `sound` or `quick`.
        out: run folder.
        controls: names of controls to train as well, see `edgeprune.methods.controls`.
        device: `auto`, `cpu`, `cuda` or `cuda:N`.
        teacher_cache: folder that keeps what the teacher says of every batch; runs of the same
            seed, and the controls of one run, then ask it once. Changes no result.
        meter: measures what `target_latency_ms` and `target_energy_mj` limit; None for this
            machine's CPU with ONNX Runtime.
        table_cache: folder that keeps measured tables, for runs of the same network; default: the
            run folder.
        show_progress: print progress on stderr.
        settings: any field of `edgeprune.recipe.Recipe`.

    Returns:
        The report, as in `out/report.json`.

    Raises:
        UserInputError: something given cannot be used; one line says what and the remedy.
        BudgetMissedError: the target cannot be reached on this network; or the student was
            measured to take more than 5 % more than was asked, and the report is written.
        DeviceError: the target to be measured on does not answer.
        AccuracyGateMissedError: `min_accuracy` was not reached; the report is written.
        TrainingDivergedError: the loss stopped being a number.
    """
    unknown = [control for control in controls if control not in CONTROLS]
    if unknown:
        raise UserInputError(f"unknown control '{unknown[0]}': use {', '.join(CONTROLS)}")
    sources = Sources(teacher, student, data, loss, teacher_cache, meter, table_cache)
    recipe = resolve_recipe(method, preset, {**settings, **sources.names()})
    _check_gate(recipe)
    check_plan(recipe)
    identity = _identity(recipe, sources)  # a mistyped teacher leaves no folder behind
    folder = RunFolder(out)
    folder.create()
    world = join_world(device)
    shown: Progress = ConsoleProgress() if show_progress and world.is_main else Progress()
    try:
        with folder.locked_by(world):
            if world.is_main:
                folder.remove_leftovers()
                folder.claim(identity, folder.path / REPORT_NAME, default_settings())
            return _compress(recipe, sources, folder, world, shown, controls)
    finally:
        shown.close()
        leave_world()


def _compress(
    recipe: Recipe,
    sources: Sources,
    folder: RunFolder,
    world: World,
    shown: Progress,
    controls: Sequence[str],
) -> RunReport:
    report = _finished(folder)
    measured = [str(control["name"]) for control in report.controls] if report else []
    if report is not None and set(controls) <= set(measured):
        shown.note(f"{folder.path}: already finished")
        return _gate(report, recipe)
    # A control that is asked for later joins those that the report has already.
    controls = list(dict.fromkeys([*measured, *controls]))
    progress = RecordedProgress(folder.path / "history.jsonl", shown) if world.is_main else shown
    if world.is_main:
        precision = choose_precision(recipe.precision, world.device)
        hold_conditions(folder, world.size, precision.name, shown)
    run, context = prepare_run(recipe, sources, folder, world, progress)
    check_controls(controls, context.fresh_weights)
    if world.is_main:
        write_text_atomic(folder.path / "recipe.yaml", recipe.to_yaml())
    delivered = METHODS[recipe.method](run)
    method_rows, start = len(run.history), run.start
    searched = search_epochs(run.history)
    unfinished = delivered.copy() if controls else delivered
    finished = finish(run, delivered)
    own_rows = len(run.history)
    compared = {
        name: run_control(run, _control(name), unfinished, start, context.fresh_weights, searched)
        for name in controls
    }
    outcome = Outcome(delivered, compared, method_rows, own_rows, finished)
    report = deliver(run, context, outcome) if world.is_main else None
    report = world.broadcast(report)
    assert report is not None
    if world.is_main:
        _write(report, folder, shown)
    return _gate(report, recipe)


def _write(report: RunReport, folder: RunFolder, shown: Progress) -> None:
    """The page first: report.json is what says that a run is finished."""
    try:
        write_html(report, folder.path)
    except UnsupportedError as missing:
        shown.note(f"report.html is not written: {missing}")
    write_text_atomic(folder.path / REPORT_NAME, report.to_json() + "\n")


def _finished(folder: RunFolder) -> RunReport | None:
    path = folder.path / REPORT_NAME
    return load_report(path) if path.exists() else None


def _check_gate(recipe: Recipe) -> None:
    wanted = recipe.min_accuracy
    if wanted is not None and not 0 <= wanted <= 100:
        raise UserInputError(f"--min-accuracy {wanted:g}: give a percentage from 0 to 100")


def _gate(report: RunReport, recipe: Recipe) -> RunReport:
    require_measured(report, recipe.measured_targets)
    wanted, metric = recipe.min_accuracy, report.student["metric"]
    if recipe.max_mse is not None and metric is not None and metric > recipe.max_mse:
        raise AccuracyGateMissedError(
            f"the student's mean squared error is {metric:.4f}, max_mse asks {recipe.max_mse:g}: "
            "use more epochs or a larger target"
        )
    hits = recipe.min_hit_rate
    if hits is not None and metric is not None and metric < hits:
        raise AccuracyGateMissedError(
            f"the student's hit rate is {metric:.4f}, min_hit_rate asks {hits:g}: use more epochs "
            "or a larger target"
        )
    if wanted is not None and metric is not None and metric < wanted:
        raise AccuracyGateMissedError(
            f"the student reaches {metric:.2f} %, --min-accuracy asks {wanted:g} %: "
            "use more epochs or a larger target"
        )
    return report


def _identity(recipe: Recipe, sources: Sources) -> dict[str, Any]:
    settings = recipe.model_dump(mode="json", exclude=set(_GATES))
    return {**settings, "teacher": sources.teacher_fingerprint()}


def _control(name: str) -> Control:
    return next(control for control in CONTROLS if control == name)
