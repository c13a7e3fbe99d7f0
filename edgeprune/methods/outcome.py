"""The end of a run: every network's figures, the student's files, and the report."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from torch import Tensor, nn

from edgeprune.device.latency import Latency
from edgeprune.methods.baselines import Baselines
from edgeprune.methods.compared import baseline_figures, baselines_of
from edgeprune.methods.delivery import (
    Predictions,
    StudentFiles,
    dominating_layers,
    measure_latency,
    on_cpu,
    predict_test,
    save_student,
)
from edgeprune.methods.finish import Finish
from edgeprune.methods.finish_report import (
    fake_forward,
    finish_figures,
    finish_provenance,
    forward,
)
from edgeprune.methods.measured.verdict import measured_figures, with_measured
from edgeprune.methods.run import Run
from edgeprune.methods.setup import Context
from edgeprune.methods.student import Student
from edgeprune.methods.train_energy import train_energy
from edgeprune.models.summary import ModelSummary, summarise
from edgeprune.prune.equivalence import Equivalence, worst_of
from edgeprune.report.run_report import RunReport
from edgeprune.report.shapes import (
    ControlFigures,
    EquivalenceFigures,
    Lead,
    NetworkFigures,
    OnnxFigures,
    Percentiles,
    SkippedLayer,
    StudentFigures,
    Target,
)
from edgeprune.report.versions import versions
from edgeprune.statistics import metric_difference
from edgeprune.train.fit import HistoryRow
from edgeprune.train.score import score_of


@dataclass(frozen=True)
class Outcome:
    """What the trainings left.

    Attributes:
        student: the delivered network.
        controls: trained controls by name.
        method_rows: number of history rows that are the method's own.
        own_rows: the same with its finishing stages; the others are the controls'.
        finish: what the finishing stages left.
    """

    student: Student
    controls: Mapping[str, Student]
    method_rows: int
    own_rows: int
    finish: Finish


def deliver(run: Run, context: Context, outcome: Outcome) -> RunReport:
    """Read the test set, write the student's files, measure, and assemble the report."""
    baselines = _fit_baselines(run)
    predictions, metric = _read_test(run, outcome, baselines)
    files = save_student(
        run.folder.path,
        outcome.student.module,
        run.data,
        arch=context.student.arch,
        arch_args=context.student.arch_args,
        metrics={f"test_{score_of(run.data).name}": metric["student"]},
        provenance={
            **{name: getattr(run.recipe, name) for name in ("method", "preset", "seed", "data")},
            **finish_provenance(outcome.finish),
        },
        quantization=outcome.finish.scales,
    )
    make_dense = context.student.dense  # of which tables lost no rows yet
    dense = run.original_student().module if make_dense is None else make_dense()
    latencies = measure_latency(
        {"teacher": context.teacher.module, "dense_student": dense},
        run.data,
        run.recipe.latency_batch,
        run.folder.path,
        run.recipe.latency_threads,
    )
    budget = measured_figures(run.pruner, outcome.student.module, files.onnx, run.events[-1])
    compared = {} if baselines is None else baseline_figures(predictions, baselines, run.data)
    rows = [dict(table) for table in context.student.table_rows]
    figures = {**budget, **compared, **({"table_rows": rows} if rows else {})}
    return _assemble(run, context, outcome, dense, predictions, metric, files, latencies, figures)


def _fit_baselines(run: Run) -> Baselines | None:
    """What values and rankings are compared with; None for classes."""
    if run.data.task == "classification":
        return None
    run.progress.note(f"{'':>10}  fitting the baselines, which need no network")
    return baselines_of(run.data, run.recipe.seed)


def worst_equivalence(events: Iterable[Mapping[str, Any]]) -> EquivalenceFigures | None:
    """The largest errors over all surgeries of a run; None where nothing was removed."""
    proofs = [event["equivalence"] for event in events if event.get("equivalence")]
    worst = worst_of(Equivalence(**proof) for proof in proofs)
    if worst is None:
        return None
    return EquivalenceFigures(
        max_abs_error=worst.max_abs_error,
        max_rel_error=worst.max_rel_error,
        dtype=worst.dtype,
        groups=worst.groups,
        inexact_groups=list(worst.inexact_groups),
    )


def search_epochs(rows: Sequence[HistoryRow]) -> float:
    """Passes over the training data before the delivered network's own training."""
    return float(sum(row["passes"] for row in rows if row["stage"] != rows[-1]["stage"]))


def _read_test(
    run: Run, outcome: Outcome, baselines: Baselines | None
) -> tuple[Predictions, dict[str, float]]:
    networks = {"student": outcome.student.module} | {
        f"control_{name}": control.module for name, control in outcome.controls.items()
    }
    for network in networks.values():
        network.eval()
    forwards = {name: functools.partial(forward, network) for name, network in networks.items()}
    fake = fake_forward(outcome.student.module, outcome.finish)
    others = {} if baselines is None else baselines.forwards
    return predict_test(
        {"teacher": run.teacher.predict, **forwards, **fake, **others},
        run.data,
        run.world.device,
        run.folder.path / "test_predictions.npz",
    )


def _assemble(
    run: Run,
    context: Context,
    outcome: Outcome,
    dense: nn.Module,
    predictions: Predictions,
    metric: Mapping[str, float],
    files: StudentFiles,
    latencies: Mapping[str, Latency],
    figures: Mapping[str, Any],
) -> RunReport:
    example = run.data.example_inputs(1)
    sizes = {
        "teacher": summarise(on_cpu(context.teacher.module), example),
        "dense": summarise(on_cpu(dense), example),
        "student": summarise(on_cpu(outcome.student.module), example),
    }
    student = outcome.student
    sparsity = 0.0 if student.masks is None else student.masks.sparsity
    own = run.history[: outcome.own_rows]
    energy = train_energy(own)
    targets = with_measured(_targets(run.events[-1]), figures)
    return RunReport(
        method=run.recipe.method,
        preset=run.recipe.preset,
        seed=run.recipe.seed,
        epochs=run.recipe.epochs,
        search_epochs=search_epochs(run.history[: outcome.method_rows]),
        teacher=_figures(sizes["teacher"], metric["teacher"]),
        dense_student=_figures(sizes["dense"], metric.get("control_dense")),
        student=StudentFigures(
            **_figures(sizes["student"], metric["student"]), mask_sparsity=sparsity
        ),
        size_reduction=1.0 - sizes["student"].params / sizes["dense"].params,
        mac_reduction=1.0 - sizes["student"].macs / sizes["dense"].macs,
        target=targets[0],
        equivalence=worst_equivalence(run.events),
        skipped=_skipped(run.events),
        onnx=OnnxFigures(
            path=files.onnx.name, bytes=files.onnx_bytes, max_abs_error=files.onnx_max_abs_error
        ),
        latency_ms={
            name: Percentiles(p50=latency.p50_ms, p99=latency.p99_ms)
            for name, latency in latencies.items()
        },
        train_seconds=sum(row["seconds"] for row in own),
        train_energy_j=energy.energy_j,
        controls=[
            _control(name, control, predictions, metric, example, score_of(run.data).metric)
            for name, control in outcome.controls.items()
        ],
        seed_runs=[],
        versions=versions(),
        extra={
            "metric": score_of(run.data).metric,
            "data": run.data.name,
            "data_notes": list(run.data.notes),
            "targets": targets,
            **figures,
            **_tables(sizes),
            "missing": {"train_energy_j": energy.reason} if energy.reason else {},
            "train_energy_scope": energy.scope,
            "dominating_layers": dominating_layers(
                run.data, run.recipe.latency_batch, run.folder.path, run.recipe.latency_threads
            ),
            "layers": _widths(sizes["dense"], sizes["student"]),
            "events": [_brief(event) for event in run.events],
            **finish_figures(run, student.module, outcome.finish, metric),
            "latency_batch": run.recipe.latency_batch,
            "latency_detail": {name: asdict(latency) for name, latency in latencies.items()},
        },
    )


def _figures(summary: ModelSummary, metric: float | None) -> NetworkFigures:
    return NetworkFigures(params=summary.params, macs=summary.macs, metric=metric)


def _tables(sizes: Mapping[str, ModelSummary]) -> dict[str, Any]:
    """What is looked up, by network; nothing where there are no tables."""
    if not sizes["student"].tables:
        return {}
    named = {"teacher": "teacher", "dense_student": "dense", "student": "student"}
    return {
        "tables": {
            name: [asdict(table) for table in sizes[key].tables] for name, key in named.items()
        }
    }


def _targets(event: Mapping[str, Any]) -> list[Target]:
    return [
        Target(name=name, asked=asked, reached=event["reached"][name])
        for name, asked in event["asked"].items()
    ]


def _skipped(events: Iterable[Mapping[str, Any]]) -> list[SkippedLayer]:
    seen = {(entry["layer"], entry["reason"]) for event in events for entry in event["skipped"]}
    return [SkippedLayer(layer=layer, reason=reason) for layer, reason in sorted(seen)]


def _widths(before: ModelSummary, after: ModelSummary) -> list[dict[str, Any]]:
    left = {layer.name: layer.out_width for layer in after.layers}
    return [
        {"name": layer.name, "width_before": layer.out_width, "width_after": left[layer.name]}
        for layer in before.layers
        if layer.out_width and layer.macs
    ]


def _brief(event: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in event.items() if key != "skipped"}


def _control(
    name: str,
    control: Student,
    predictions: Predictions,
    metric: Mapping[str, float],
    example: tuple[Tensor, ...],
    of: str,
) -> ControlFigures:
    """A control's figures, and the student's lead over it with its paired 95 % interval."""
    key = f"control_{name}"
    lead = metric_difference(predictions["student"], predictions[key], predictions["targets"], of)
    figures = _figures(summarise(on_cpu(control.module), example), metric[key])
    return ControlFigures(
        name=name,
        **figures,
        student_lead=Lead(points=lead.difference, low=lead.low, high=lead.high),
    )
