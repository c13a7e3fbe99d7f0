"""Pruning that is confined to some layers of a network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from torch import nn

from edgeprune.errors import UserInputError
from edgeprune.prune.graph.dropping import without_groups
from edgeprune.prune.graph.keepers import find_named
from edgeprune.prune.graph.types import ChannelGraph
from edgeprune.prune.steps import bundles_of


def confined_to(graph: ChannelGraph, model: nn.Module, layers: Sequence[str]) -> ChannelGraph:
    """Only the channels that these layers put out, with all others that go with them.

    Args:
        graph: the channels of `model`.
        model: the network.
        layers: names or patterns of modules or parameters; a module stands for everything inside
            it. None at all: every layer.

    Returns:
        The graph without the other groups; `skipped` tells of the named layers only.

    Raises:
        UserInputError: a name does not exist, or nothing that is named can lose channels.
    """
    if not layers:
        return graph
    modules, parameters = find_named(model, layers, "layers")
    parameters |= {graph.aliases[name] for name in parameters & graph.aliases.keys()}
    named = {
        index
        for index, group in enumerate(graph.groups)
        if any(slices.writes and slices.tensor in parameters for slices in group.slices)
    }
    named = {g for bundle in bundles_of(graph) if named & {*bundle.groups} for g in bundle.groups}
    skipped = tuple(s for s in graph.skipped if s.layer in modules or s.layer in parameters)
    if not named:
        why = "; ".join(dict.fromkeys(f"{entry.layer}: {entry.reason}" for entry in skipped))
        raise UserInputError(
            "layers: none of them has channels that can go "
            f"({why or 'they put out nothing that could shrink'}); name others"
        )
    others = {g: None for g in range(len(graph.groups)) if g not in named}
    return replace(without_groups(graph, others), skipped=skipped)
