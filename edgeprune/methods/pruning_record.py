"""What is kept of a pruning event, and said of one that cannot be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from edgeprune.prune.graph.types import ChannelGraph
from edgeprune.prune.plan import Plan
from edgeprune.recipe import Recipe


def event_record(graph: ChannelGraph, plan: Plan) -> dict[str, Any]:
    """A removal as plain values: sizes, what went, how exact it was, what stayed and why."""
    choice = plan.choice
    return {
        "met": choice.met,
        "params": choice.params,
        "macs": choice.macs,
        "asked": dict(choice.asked),
        "reached": dict(choice.reached),
        "removed": {
            group.name: len(gone)
            for group, gone in zip(graph.groups, choice.removal.channels, strict=True)
            if len(gone)
        },
        "limited_by": list(choice.limited_by),
        "equivalence": None if plan.equivalence is None else plan.equivalence.as_dict(),
        "skipped": [
            {"layer": entry.layer, "reason": entry.reason}
            for entry in (*graph.skipped, *plan.skipped)
        ],
    }


def unreachable(
    asked: Mapping[str, float],
    reached: Mapping[str, float],
    limited_by: Sequence[str],
    recipe: Recipe,
) -> str:
    """The line for budgets that a network cannot meet."""
    parts = [
        f"{name} {value:g} (reachable: {reached[name]:.3g})"
        for name, value in asked.items()
        if name in limited_by
    ]
    return (
        f"the target cannot be reached: {', '.join(parts)} with floor {recipe.floor:g} and "
        f"round_to {recipe.round_to}: ask for less, or lower --set floor=... or --round-to"
    )
