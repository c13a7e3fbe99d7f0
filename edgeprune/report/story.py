"""What happened in a run, in sentences. Says what did not work as plainly as what did."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from edgeprune.report.missing import missing_figures
from edgeprune.report.numerals import compact, count, duration, epochs, share, signed
from edgeprune.report.rows import DENSE, STUDENT, TEACHER, Metric, NetworkRow, metric_of, row_of
from edgeprune.report.run_report import RunReport
from edgeprune.report.shapes import EquivalenceFigures
from edgeprune.report.story_baselines import tell_baselines
from edgeprune.report.story_finish import tell_finish
from edgeprune.report.story_speed import tell_speed
from edgeprune.report.story_tables import tell_tables
from edgeprune.statistics import DifferenceInterval
from edgeprune.wording import counted

Tone = Literal["good", "warning", "plain"]

# Below this lead over the dense student trained on labels alone, the teacher has too little to
# give for the table to rank ways of distilling.
_LEAST_TEACHER_LEAD = 3.0
_NOTHING = 0.0005
_EQUAL_SIZE = 1.05  # widths are rounded, so equal sizes differ a little


@dataclass(frozen=True)
class Statement:
    """One sentence or two, and whether it is good news."""

    topic: str
    text: str
    tone: Tone = "plain"


def tell(report: RunReport, rows: list[NetworkRow]) -> list[Statement]:
    """Size, cost, accuracy, stages, controls, speed, proof and what is missing, in that order."""
    return [
        *_tell_size(report),
        *(Statement("Tables", text, tone) for text, tone in tell_tables(report)),
        *_tell_targets(report),
        *_tell_accuracy(report, rows),
        *(Statement(topic, text, tone) for topic, text, tone in tell_finish(report)),
        *_tell_controls(rows, metric_of(report)),
        *(Statement("Baselines", text, tone) for text, tone in tell_baselines(report)),
        *(Statement("Speed", text, tone) for text, tone in tell_speed(report, rows)),
        *_tell_proof(report),
        *_tell_skipped(report),
        *(Statement("Data", f"{note}.") for note in report.extra.get("data_notes", ())),
        *_tell_training(report),
    ]


def _tell_size(report: RunReport) -> Iterator[Statement]:
    kept, dense = report.student["params"], report.dense_student["params"]
    if report.size_reduction > _NOTHING:
        yield Statement(
            "Size",
            f"{share(report.size_reduction)} of the dense student's {count(dense)} parameters are "
            f"physically gone; {count(kept)} are left. A forward pass takes "
            f"{compact(report.student['macs'])} multiply-accumulates, "
            f"{share(report.mac_reduction)} fewer.",
            "good",
        )
    else:
        yield Statement(
            "Size", f"No parameter was physically removed: the student has {count(kept)}."
        )
    sparsity = report.student["mask_sparsity"]
    if sparsity > _NOTHING:
        yield Statement(
            "Sparsity",
            f"{share(sparsity)} of the student's weights are zero (mask sparsity). They still "
            "take their place in memory and in time unless the runtime makes use of zeros.",
        )


def _tell_targets(report: RunReport) -> Iterator[Statement]:
    for target in report.extra.get("targets") or [report.target] * (report.target is not None):
        asked, reached = (_budget(target["name"], target[key]) for key in ("asked", "reached"))
        text = f"{target['name']}: {asked} asked, {reached} reached"
        if target["name"].startswith("target_latency"):
            # The table's latencies are of this run, with whatever else the machine did.
            text += " (its share of the dense network's, times what that takes undisturbed)"
        yield Statement("Target", f"{text}.")


def _budget(name: str, value: float) -> str:
    for unit in ("ms", "mj"):
        if name.endswith(f"_{unit}"):
            return f"{value:.4g} {unit.replace('mj', 'mJ')}"
    return share(value) if value <= 1 else count(value)


def _tell_accuracy(report: RunReport, rows: list[NetworkRow]) -> Iterator[Statement]:
    metric, student = metric_of(report), row_of(rows, STUDENT)
    if student is None or student.metric is None:
        return
    yield Statement(
        "Accuracy", f"The student's test {metric.label} is {metric.text(student.metric)}."
    )
    for key in (DENSE, TEACHER):
        other = row_of(rows, key)
        if other is None or other.metric is None:
            continue
        text = f"The {other.label} reaches {metric.text(other.metric)}"
        if other.difference is None:
            yield Statement("Accuracy", f"{text}.")
        else:
            verdict, tone = _verdict(other.difference, metric)
            yield Statement("Accuracy", f"{text}; the student {verdict}.", tone)


def _verdict(difference: DifferenceInterval, metric: Metric) -> tuple[str, Tone]:
    value, low, high = (
        signed(figure, metric.digits)
        for figure in (difference.difference, difference.low, difference.high)
    )
    figures = f"{value} {metric.points}, {100 * difference.level:.0f} % interval {low} to {high}"
    if not difference.is_clear:
        return f"cannot be told apart from it on this test set ({figures})", "plain"
    if (difference.difference > 0) != metric.lower_is_better:
        return f"is more accurate ({figures})", "good"
    return f"is less accurate ({figures})", "warning"


def _tell_controls(rows: list[NetworkRow], metric: Metric) -> Iterator[Statement]:
    student = row_of(rows, STUDENT)
    for row in rows:
        if row.role != "control" or row.difference is None or student is None:
            continue
        verdict, tone = _verdict(row.difference, metric)
        text = f"Against '{row.label.removeprefix('control: ')}' the student {verdict}."
        if row.params > _EQUAL_SIZE * student.params:
            text += f" That control has {count(row.params)} parameters."
        elif tone != "good":
            text += " The method does not win against this control."
            tone = "warning"
        yield Statement("Controls", text, tone)
    yield from _tell_teacher_lead(rows, metric)


def _tell_teacher_lead(rows: list[NetworkRow], metric: Metric) -> Iterator[Statement]:
    teacher, plain = row_of(rows, TEACHER), row_of(rows, "control_dense-ce")
    if teacher is None or plain is None or teacher.metric is None or plain.metric is None:
        return
    lead = teacher.metric - plain.metric
    if not metric.unit:
        yield Statement(
            "Teacher",
            f"The teacher's {metric.label} is {signed(lead, metric.digits)} against that of the "
            "dense student trained on labels alone.",
            "warning" if (lead >= 0) == metric.lower_is_better else "plain",
        )
        return
    side = "ahead of" if lead >= 0 else "behind"
    text = (
        f"The teacher is {abs(lead):.2f} points {side} the dense student trained on labels alone."
    )
    if lead < _LEAST_TEACHER_LEAD:
        yield Statement(
            "Teacher",
            f"{text} With a lead under {_LEAST_TEACHER_LEAD:.0f} points these figures cannot rank "
            "ways of distilling.",
            "warning",
        )
    else:
        yield Statement("Teacher", text)


def _tell_proof(report: RunReport) -> Iterator[Statement]:
    if report.equivalence is not None:
        yield Statement("Proof", _proof(report.equivalence))
    if report.onnx is not None:
        yield Statement(
            "Export",
            f"{report.onnx['path']} ({report.onnx['bytes'] / 1e6:.2f} MB) gives PyTorch's outputs "
            f"in ONNX Runtime to within {report.onnx['max_abs_error']:.1e}.",
        )


def _proof(proof: EquivalenceFigures) -> str:
    inexact = len(proof["inexact_groups"])
    if proof["max_rel_error"] is None:
        return f"Nothing is claimed: all {inexact} groups change more than masking would."
    exactness = f"{inexact} more are inexact and not part of it" if inexact else "all are exact"
    return (
        f"Removing channels equals masking them to within {proof['max_rel_error']:.1e} relative "
        f"({proof['dtype']}, {proof['groups']} groups, {exactness}; the worst of all surgery "
        "events)."
    )


def _tell_skipped(report: RunReport) -> Iterator[Statement]:
    number = len(report.skipped)
    if number:
        noun = "layer was" if number == 1 else "layers were"
        first = report.skipped[0]
        yield Statement(
            "Skipped",
            f"{number} {noun} not pruned; the first is {first['layer']} ({first['reason']}).",
        )


def _tell_training(report: RunReport) -> Iterator[Statement]:
    before = epochs(report.search_epochs)
    text = f"{counted(report.epochs, 'epoch')} for the delivered network, {before} before it"
    if report.train_seconds is not None:
        text += f", in {duration(report.train_seconds)}"
    if report.train_energy_j is not None:
        scope = report.extra.get("train_energy_scope")
        text += f" and {report.train_energy_j / 3600:.1f} Wh"
        text += f" (measured: {scope})" if scope else " (measured)"
    yield Statement("Training", f"{text}.")
    for name, reason in missing_figures(report).items():
        yield Statement("Not measured", f"{name}: {reason}.")
