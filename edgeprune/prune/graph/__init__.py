"""Channel discovery: which slices of which tensors have to go together."""

from edgeprune.prune.graph.call import Call
from edgeprune.prune.graph.context import Context
from edgeprune.prune.graph.labels import Labels
from edgeprune.prune.graph.narrowing import narrow_graph
from edgeprune.prune.graph.rules import register_rule, unregister_rule
from edgeprune.prune.graph.trace import trace_channels
from edgeprune.prune.graph.types import (
    AxisSlices,
    ChannelGraph,
    ChannelGroup,
    LayerCost,
    ModuleChannels,
    Skipped,
)

__all__ = [
    "AxisSlices",
    "Call",
    "ChannelGraph",
    "ChannelGroup",
    "Context",
    "Labels",
    "LayerCost",
    "ModuleChannels",
    "Skipped",
    "narrow_graph",
    "register_rule",
    "trace_channels",
    "unregister_rule",
]
