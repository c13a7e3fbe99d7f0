"""The shape of report.json's nested objects. More keys are allowed in every one of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import ConfigDict, with_config
from typing_extensions import NotRequired, TypedDict

_OPEN = ConfigDict(extra="allow")


@with_config(_OPEN)
class NetworkFigures(TypedDict):
    """A network's size and its test metric (None where it was not tested)."""

    params: int
    macs: int
    metric: float | None


@with_config(_OPEN)
class StudentFigures(NetworkFigures):
    """The delivered network; `mask_sparsity` is the fraction of its weights that are zero."""

    mask_sparsity: float


@with_config(_OPEN)
class Lead(TypedDict):
    """Percentage points by which the student beats a control, with the paired 95 % interval."""

    points: float
    low: float
    high: float


@with_config(_OPEN)
class ControlFigures(NetworkFigures):
    """A control, trained at equal epochs."""

    name: str
    student_lead: NotRequired[Lead]


class Target(TypedDict):
    """A budget: fraction kept if at most 1, else a count; milliseconds and millijoules as named.

    `rounds`, of a measured budget, is how many proposals were measured at the last removal.
    """

    name: str
    asked: float
    reached: float
    rounds: NotRequired[int]


@with_config(_OPEN)
class EquivalenceFigures(TypedDict):
    """How far removal and masking differ at most, over all surgery events.

    The errors are None where every group is inexact, so that nothing is claimed.
    """

    max_abs_error: float | None
    max_rel_error: float | None
    dtype: str
    groups: int
    inexact_groups: Sequence[str]


@with_config(_OPEN)
class SkippedLayer(TypedDict):
    """A layer that was not pruned, and why."""

    layer: str
    reason: str


@with_config(_OPEN)
class OnnxFigures(TypedDict):
    """The exported file, its size and its largest output difference to PyTorch."""

    path: str
    bytes: int
    max_abs_error: float


@with_config(_OPEN)
class Percentiles(TypedDict):
    """Latency of one inference, in milliseconds."""

    p50: float
    p99: float


@with_config(_OPEN)
class SeedRun(TypedDict):
    """The same run with another seed."""

    seed: int
    metric: float | None


@with_config(_OPEN)
class LayerWidth(TypedDict):
    """Output channels of one layer before and after pruning."""

    name: str
    width_before: int
    width_after: int


@with_config(_OPEN)
class DominatingLayer(TypedDict):
    """A layer and its share (0 to 1) of the student's measured time."""

    name: str
    share: float


@with_config(_OPEN)
class TwoToFourStage(TypedDict):
    """Training with the 2:4 pattern: its epochs, the layers that have it, and those that do not."""

    epochs: int
    layers: Sequence[str]
    left_out: Sequence[SkippedLayer]


class FloatAndInt8(TypedDict):
    """The student's metric as it is, and with the quantisation that it was trained with."""

    float: float
    int8: float


@with_config(_OPEN)
class QatStage(TypedDict):
    """Training with fake quantisation: its epochs, the layers with a scale, and what it gave."""

    epochs: int
    layers: Sequence[str]
    val: FloatAndInt8
    test: FloatAndInt8


@with_config(_OPEN)
class MeasuredCost(TypedDict):
    """The student's cost, the dense network's, and their ratio with its 95 % interval."""

    cost: float
    dense: float
    share: float
    low: float
    high: float


@with_config(_OPEN)
class MeasuredBudgetFigures(TypedDict):
    """Where budgets were measured, and the student's costs, by the budget's name."""

    target: str
    runtime: str
    student: Mapping[str, MeasuredCost]


@with_config(_OPEN)
class TableFigures(TypedDict):
    """One table of a network (`models.tables.TableSummary`)."""

    name: str
    kind: str
    ids: int
    rows: int
    dims: int
    params: int
    share: float
    bytes: int
    lookups: int
    bytes_per_sample: int


@with_config(_OPEN)
class SharedRows(TypedDict):
    """One table whose rare ids share rows (`prune.rows.apply.TableRows`)."""

    table: str
    ids: int
    rows: int
    shared: int
    tail_share: float
    map_bytes: int


@with_config(_OPEN)
class KnownExtras(TypedDict):
    """Keys beyond the interface that the report reads when they are there."""

    metric: NotRequired[str]
    data: NotRequired[str]
    targets: NotRequired[Sequence[Target]]
    layers: NotRequired[Sequence[LayerWidth]]
    dominating_layers: NotRequired[Sequence[DominatingLayer]]
    missing: NotRequired[Mapping[str, str]]
    latency_batch: NotRequired[int]
    measured_budget: NotRequired[MeasuredBudgetFigures]
    two_to_four: NotRequired[TwoToFourStage]
    qat: NotRequired[QatStage]
    tables: NotRequired[Mapping[str, Sequence[TableFigures]]]
    table_rows: NotRequired[Sequence[SharedRows]]
