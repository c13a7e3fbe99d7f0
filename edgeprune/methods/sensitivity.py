"""What each channel group is worth, measured: the metric without part of it, all else in place.

Li et al., "Pruning Filters for Efficient ConvNets", ICLR 2017, section 3.2. The channels are
removed physically, so that groups behind a norm over channels are measured as they would be.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edgeprune.data.batch import Batch
from edgeprune.data.dataset import Data
from edgeprune.data.registry import load_data
from edgeprune.errors import UserInputError
from edgeprune.methods.sources import TeacherSource
from edgeprune.models.classes import output_columns
from edgeprune.models.known_inputs import require_known_inputs
from edgeprune.prune.cost import CostModel, FloatArray
from edgeprune.prune.discovery import find_channels
from edgeprune.prune.graph.types import ChannelGraph, Skipped
from edgeprune.prune.importance import score_channels
from edgeprune.prune.removal import Removal, make_removal
from edgeprune.prune.surgery import remove_channels
from edgeprune.prune.width_rules import layers_of
from edgeprune.train.distributed import join_world
from edgeprune.train.progress import Progress

Outputs = Callable[[nn.Module, tuple[Tensor, ...]], Tensor]
_EVAL_BATCH = 256


@dataclass(frozen=True)
class GroupSensitivity:
    """One group with part of its channels gone.

    Attributes:
        group: its name.
        layers: the layers that write its channels.
        width: channels it has.
        removed: channels taken away, the least important ones.
        params_saved: parameters that go with them.
        macs_saved: multiply-accumulates of one sample that go with them.
        loss_increase: of the mean loss.
        metric_change: of the metric; negative is worse for top-1, positive for the error.
        exact: removing equals masking; false behind a norm over channels.
    """

    group: str
    layers: tuple[str, ...]
    width: int
    removed: int
    params_saved: int
    macs_saved: int
    loss_increase: float
    metric_change: float
    exact: bool


@dataclass(frozen=True)
class Sensitivity:
    """A network's groups, each measured alone.

    Attributes:
        metric: `top1_percent` or `mse`.
        samples: of the validation split.
        ratio: share of each group that was taken away.
        importance: criterion that chose the channels.
        loss: of the whole network; cross-entropy or mean squared error.
        value: of the metric, for the whole network.
        params: of the whole network.
        macs: of the whole network, for one sample.
    """

    metric: Literal["top1_percent", "mse"]
    samples: int
    ratio: float
    importance: str
    loss: float
    value: float
    params: int
    macs: int
    groups: tuple[GroupSensitivity, ...]
    skipped: tuple[Skipped, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


def measure_sensitivity(
    model: nn.Module,
    data: Data,
    *,
    ratio: float = 0.5,
    importance: str = "l2",
    samples: int | None = None,
    seed: int = 0,
    outputs: Outputs | None = None,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Sensitivity:
    """Take part of one group after the other away and look at the validation data.

    Args:
        model: a trained network; nothing is changed.
        data: its validation split is read once for the whole network and once per group.
        ratio: share of each group's channels that goes, at least one channel.
        importance: see `score_channels`; not `taylor`, which needs gradients.
        samples: how many validation samples, taken evenly; default all.
        seed: for `importance="random"`.
        outputs: calls a network on inputs; default plain.
        progress: told after each evaluation how many of all are done.

    Raises:
        UserInputError: an argument out of range, or a criterion that says nothing about a group.
    """
    if not 0 < ratio < 1:
        raise UserInputError(f"--ratio {ratio:g}: give a share above 0 and below 1")
    if data.task == "ranking":
        raise UserInputError(
            "the sensitivity of a ranking is not measured: give the data as ratings:DIR:rating"
        )
    example = tuple(t.to(_device(model)) for t in data.example_inputs(1))
    graph = find_channels(model, example)
    costs = CostModel.of(model, graph)
    scores = score_channels(model, graph, importance, seed=seed)
    bench = _Bench(data, samples, outputs or (lambda network, inputs: network(*inputs)))
    whole = bench.evaluate(model)
    total = len(graph.groups) + 1
    progress(1, total)
    found = []
    for number, score in enumerate(scores):
        removal = _least_important(graph, number, score, ratio)
        reduced = bench.evaluate(_without(model, graph, removal))
        found.append(_row(graph, number, removal, costs, whole, reduced))
        progress(number + 2, total)
    return Sensitivity(
        metric="top1_percent" if data.task == "classification" else "mse",
        samples=bench.samples,
        ratio=ratio,
        importance=importance,
        loss=whole[0],
        value=whole[1],
        params=costs.params(),
        macs=costs.macs(),
        groups=tuple(found),
        skipped=graph.skipped,
    )


def sensitivity_of_file(
    source: TeacherSource,
    data_spec: str,
    *,
    device: str = "auto",
    seed: int = 0,
    progress: Progress | None = None,
    **settings: Any,
) -> Sensitivity:
    """`measure_sensitivity` of a model file, with everything that can be said of a teacher.

    Args:
        source: the file.
        data_spec: see `edgeprune.data.load_data`.
        device: `auto`, `cpu`, `cuda` or `cuda:N`.
        seed: of the validation split and of random importance.
        progress: shown to the user.
        settings: `ratio`, `importance` and `samples`.

    Raises:
        UserInputError: file and data do not fit, or the file holds no network that can be cut.
    """
    shown = progress or Progress()
    data = load_data(data_spec, seed=seed, progress=shown.decoding)
    loaded = source.load(data)
    if loaded.source_kind == "exported":
        raise UserInputError(f"{source.path}: an exported program cannot be cut; give its weights")
    require_known_inputs(loaded, data)
    if loaded.preprocessing is not None:
        data = data.with_preprocessing(loaded.preprocessing)
    columns = output_columns(loaded, data.classes)
    chosen = join_world(device).device
    order = None if columns is None else columns.to(chosen)

    def outputs(network: nn.Module, inputs: tuple[Tensor, ...]) -> Tensor:
        answers: Tensor = network(*inputs)
        return answers if order is None else answers.index_select(1, order)

    return measure_sensitivity(
        loaded.module.to(chosen),
        data,
        seed=seed,
        outputs=outputs,
        progress=lambda done, total: shown.counting("channel groups", done, total),
        **settings,
    )


class _Bench:
    """The validation samples, and how a network does on them."""

    def __init__(self, data: Data, samples: int | None, outputs: Outputs) -> None:
        self._data = data
        self._outputs = outputs
        size = data.size("val")
        self.samples = min(samples or size, size)
        self._chosen = torch.linspace(0, size - 1, self.samples).round().long()

    @torch.inference_mode()
    def evaluate(self, model: nn.Module) -> tuple[float, float]:
        """Mean loss, and top-1 in percent or the mean squared error."""
        was_training = model.training
        model.eval()
        device = _device(model)
        total = hits = 0.0
        for batch in self._batches():
            batch = batch.to(device)
            answers = self._outputs(model, batch.inputs).float()
            if self._data.task == "classification":
                total += float(F.cross_entropy(answers, batch.targets, reduction="sum"))
                hits += float((answers.argmax(1) == batch.targets).sum())
            else:
                errors = answers.reshape(batch.targets.shape) - batch.targets
                total += float(errors.square().sum())
        model.train(was_training)
        loss = total / self.samples
        is_classifier = self._data.task == "classification"
        return loss, 100.0 * hits / self.samples if is_classifier else loss

    def _batches(self) -> Iterator[Batch]:
        for batch in self._data.batches("val", batch_size=_EVAL_BATCH):
            mine = torch.isin(batch.index, self._chosen)
            if mine.any():
                inputs = tuple(tensor[mine] for tensor in batch.inputs)
                yield Batch(inputs, batch.targets[mine], batch.index[mine])


def _least_important(graph: ChannelGraph, number: int, score: FloatArray, ratio: float) -> Removal:
    size = graph.groups[number].size
    count = min(max(1, round(ratio * size)), size - 1)
    chosen = np.argsort(score, kind="stable")[:count]
    return make_removal([chosen if i == number else [] for i in range(len(graph.groups))])


def _without(model: nn.Module, graph: ChannelGraph, removal: Removal) -> nn.Module:
    """A copy without the channels; what is not cut is shared."""
    smaller = copy.deepcopy(model, {id(p): p for p in model.parameters()})
    remove_channels(smaller, graph, removal)
    return smaller


def _row(
    graph: ChannelGraph,
    number: int,
    removal: Removal,
    costs: CostModel,
    whole: tuple[float, float],
    reduced: tuple[float, float],
) -> GroupSensitivity:
    group = graph.groups[number]
    return GroupSensitivity(
        group=group.name,
        layers=layers_of(group),
        width=group.size,
        removed=removal.count,
        params_saved=costs.params() - costs.params(removal),
        macs_saved=costs.macs() - costs.macs(removal),
        loss_increase=reduced[0] - whole[0],
        metric_change=reduced[1] - whole[1],
        exact=bool(group.exact),
    )


def _device(model: nn.Module) -> torch.device:
    weight = next(model.parameters(), None)
    return torch.device("cpu") if weight is None else weight.device
