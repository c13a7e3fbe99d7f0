"""Channel discovery: run the network on labels, solve, group."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
from torch import Tensor, nn

from edgeprune.errors import UserInputError
from edgeprune.prune.graph.context import Context
from edgeprune.prune.graph.exported import Programs
from edgeprune.prune.graph.grouping import Grouping, make_groups
from edgeprune.prune.graph.interpreter import Interpreter
from edgeprune.prune.graph.keepers import find_named, keep_whole_modules
from edgeprune.prune.graph.labels import Labels
from edgeprune.prune.graph.ledger import Ledger
from edgeprune.prune.graph.literals import numbers_held
from edgeprune.prune.graph.skipping import list_skipped
from edgeprune.prune.graph.tensors import TensorTable, layer_of, tensor_table
from edgeprune.prune.graph.types import ChannelGraph, CutOut, LayerCost, ModuleChannels, Split
from edgeprune.prune.stopwatch import Stopwatch

Attention = Literal["dims", "heads"]


def trace_channels(
    model: nn.Module,
    example_inputs: tuple[Tensor, ...],
    *,
    ignored_layers: Sequence[str] = (),
    attention: Attention = "dims",
    watch: Stopwatch | None = None,
) -> ChannelGraph:
    """Find every channel that can be removed, and everything that has to go with it.

    What a network's code computes from widths (heads, parts of an axis) is not tried here: see
    `edgeprune.prune.discovery.find_channels`.

    The model is traced in evaluation mode and, where parameters are left over (auxiliary heads),
    in training mode too. It is not changed; modes, frozen parameters and devices do not matter.

    Args:
        model: any network that `torch.export` can trace.
        example_inputs: what the model is called with; costs are counted at these shapes.
        ignored_layers: names or patterns (`fnmatch`) of modules or parameters whose output channels
            stay; a module stands for everything inside it.
        attention: what a channel of an attention is: the same dimension of every head (`dims`), or
            a whole head (`heads`).
        watch: counts the seconds of `trace` (torch.export) and `groups` (all that follows).

    Returns:
        Groups of removable channels, layers that stay with reasons, costs and module outputs.

    Raises:
        UserInputError: the inputs are no tensors, or a name in `ignored_layers` does not exist.
        UnsupportedError: the model cannot be traced.
    """
    if not example_inputs or not all(isinstance(x, Tensor) for x in example_inputs):
        raise UserInputError("example_inputs: pass a tuple of tensors, as the model is called")
    watch = watch or Stopwatch()
    modules, parameters = find_named(model, ignored_layers)
    table = tensor_table(model)
    programs = Programs(model, example_inputs, watch)
    run = _interpret(model, table, programs, watch)
    if attention == "heads" and (heads := _head_splits(table, run)):
        run = _interpret(model, table, programs, watch, heads)
    with watch.part("groups"):
        _keep_unused(model, run)
        keep_whole_modules(run.context, model, run.tensors)
        _keep_ignored(table, run, modules, parameters)
        return _assemble(table, run)


def _interpret(
    model: nn.Module,
    table: TensorTable,
    programs: Programs,
    watch: Stopwatch,
    by_heads: Collection[int] = (),
) -> Interpreter:
    """Run the network on labels; in training mode too, where parameters are left over."""
    context = Context(Ledger(), table.parameters)
    context.held = numbers_held(model)
    context.by_heads = by_heads
    run = Interpreter(context, _tensor_labels(context, table))
    program = programs.evaluation
    with watch.part("groups"):
        run.run(program)
    if _unused(model, run):
        outputs = dict(run.outputs)
        context.counting = False
        program = programs.training
        with watch.part("groups"):
            run.run(program)
        run.outputs |= outputs  # costs and module outputs are those of evaluation
    return run


def _head_splits(table: TensorTable, run: Interpreter) -> frozenset[int]:
    """Numbers of the reshapes that cut queries, keys and values into heads."""
    component = run.context.ledger.solve(table.size).component
    widths: dict[int, int] = {}
    for labels, width in run.context.products:
        widths |= dict.fromkeys(component[labels[labels >= 0]].tolist(), width)
    return frozenset(
        number
        for number, split in enumerate(run.context.splits)
        for free in [split.labels[split.labels >= 0]]
        if len(free) and widths.get(int(component[free[0]])) == len(split.labels)
    )


def _tensor_labels(context: Context, table: TensorTable) -> dict[str, Labels]:
    """Labels of every parameter and buffer, by every name it is known by."""
    fixed = context.ledger.fixed("it is the only channel of its layer", quiet=True)
    labels = {
        key: Labels(table.shapes[key], fixed, axes, weight=True, source=key)
        for key, axes in table.vectors().items()
    }
    return labels | {name: labels[key] for name, key in table.aliases.items()}


def _unused(model: nn.Module, run: Interpreter) -> list[str]:
    """Parameters that no trace has read."""
    read = {run.tensors[name].source for name in run.used}
    return [name for name, _ in model.named_parameters() if run.tensors[name].source not in read]


def _keep_unused(model: nn.Module, run: Interpreter) -> None:
    """Protect and name parameters that no pass reads."""
    text = "no forward pass uses it"
    for name in _unused(model, run):
        run.context.protect([run.tensors[name]], text, quiet=True)
        run.context.ledger.note(layer_of(name), text)
    read = {run.tensors[name].source for name in run.used}
    rest = (labels for labels in run.tensors.values() if labels.source not in read)
    run.context.protect(rest, text, quiet=True)


def _keep_ignored(
    table: TensorTable, run: Interpreter, modules: set[str], parameters: set[str]
) -> None:
    """Protect what ignored layers write, and the channels at the output of ignored modules."""
    ledger = run.context.ledger
    fixed = ledger.fixed("it is named in ignored_layers")
    read = ledger.only_read(table.size)
    vectors = [v for name in parameters for v in run.tensors[name].axes.values()]
    vectors += [v for path in modules & run.outputs.keys() for v in run.outputs[path].axes.values()]
    for vector in vectors:
        ledger.protect(vector[(vector < 0) | ~read[vector]], fixed)


def _assemble(table: TensorTable, run: Interpreter) -> ChannelGraph:
    ledger = run.context.ledger
    solution = ledger.solve(table.size)
    solution = replace(solution, writes=solution.writes & table.in_parameters())
    grouping = make_groups(table, solution, ledger.reasons)
    skipped = ledger.notes + list_skipped(table, solution, ledger.reasons, grouping)
    costs = run.context.positions.items()
    return ChannelGraph(
        groups=grouping.groups,
        skipped=tuple(dict.fromkeys(skipped)),
        layers=tuple(LayerCost(name, weight, places) for (name, weight), places in costs),
        tensors=table.shapes,
        aliases=table.aliases,
        outputs={path: _at_output(labels, grouping) for path, labels in run.outputs.items()},
        splits=_splits(run, grouping),
        cut_outs=_cut_outs(run, grouping),
    )


def _splits(run: Interpreter, grouping: Grouping) -> tuple[Split, ...]:
    """The reshapes into parts whose channels may go."""
    found = []
    for split in run.context.splits:
        groups = grouping.group[split.labels[split.labels >= 0]]
        width = len(split.labels)
        found += [
            Split(split.module, group, split.parts, width, split.whole)
            for group in np.unique(groups[groups >= 0]).tolist()
        ]
    return tuple(dict.fromkeys(found))


def _cut_outs(run: Interpreter, grouping: Grouping) -> tuple[CutOut, ...]:
    """The slices into equal parts whose channels may go."""
    found = []
    for labels, start, stop, width in run.context.cuts:
        groups = grouping.group[labels[labels >= 0]]
        found += [
            CutOut(group, start, stop, width) for group in np.unique(groups[groups >= 0]).tolist()
        ]
    return tuple(dict.fromkeys(found))


def _at_output(labels: Labels, grouping: Grouping) -> ModuleChannels:
    """Channels along the axis that can shrink; along the usual channel axis where none can."""
    usual = 1 if labels.rank in (2, 4, 5) else -1
    axis = next(iter(labels.axes), usual) if len(labels.axes) == 1 else usual
    vector = labels.vector(axis) if labels.rank else np.full(1, labels.fixed, dtype=np.int64)
    free = vector >= 0
    return ModuleChannels(
        np.where(free, grouping.group[vector], -1), np.where(free, grouping.channel[vector], -1)
    )
