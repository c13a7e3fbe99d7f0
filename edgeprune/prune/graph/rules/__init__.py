"""What each operation says about channels, by kind of operation."""

from edgeprune.prune.graph.rules import (  # noqa: F401  (imported for the rules they register)
    attention,
    contractions,
    convolution,
    embedding,
    joins,
    movement,
    norms,
    parts,
    pointwise,
    pooling,
    reductions,
)
from edgeprune.prune.graph.rules.registry import Rule, find_rule, register_rule, unregister_rule

__all__ = ["Rule", "find_rule", "register_rule", "unregister_rule"]
