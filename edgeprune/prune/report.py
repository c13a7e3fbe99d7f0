"""What pruning did to a network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from edgeprune.prune.equivalence import Equivalence
from edgeprune.prune.graph.types import Skipped


@dataclass(frozen=True)
class GroupWidths:
    """A channel group's width before and after.

    Attributes:
        name: the first layer that writes the group.
        before: channels.
        after: channels.
        exact: whether removal equals masking there.
    """

    name: str
    before: int
    after: int
    exact: bool


@dataclass(frozen=True)
class Target:
    """A budget: what was asked and what was reached, in the unit it was asked in."""

    name: str
    asked: float
    reached: float


@dataclass(frozen=True)
class PruneReport:
    """What `prune_model` did.

    Attributes:
        equivalence: how exactly the removal equals masking.
        skipped: layers with channels that stay, and why.
        params: parameters after.
        macs: multiply-accumulates after, at the example inputs.
        params_before: parameters before.
        macs_before: multiply-accumulates before.
        groups: every channel group's width before and after.
        targets: the budgets, asked and reached.
        seconds: wall-clock time of `trace` (torch.export), `groups`, `choice`, `proof` and
            `surgery` (a run of the smaller network included).
    """

    equivalence: Equivalence
    skipped: tuple[Skipped, ...]
    params: int
    macs: int
    params_before: int
    macs_before: int
    groups: tuple[GroupWidths, ...]
    targets: tuple[Target, ...]
    seconds: Mapping[str, float]

    @property
    def size_reduction(self) -> float:
        """Share of the parameters that is gone, physically."""
        return 1.0 - self.params / self.params_before

    @property
    def mac_reduction(self) -> float:
        """Share of the MACs that is gone."""
        return 1.0 - self.macs / self.macs_before if self.macs_before else 0.0

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            **asdict(self),
            "size_reduction": self.size_reduction,
            "mac_reduction": self.mac_reduction,
        }
