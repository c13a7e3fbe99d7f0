"""Proof that a removal leaves the function of the masked network, and who is to blame if not.

The proof runs on copies with redrawn weights and running statistics, then with the real weights.
Groups behind a norm or softmax over channels have no such equality; they are listed apart and only
shown to run.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from torch import Tensor, nn

from edgeprune.errors import EdgepruneError
from edgeprune.prune.graph.types import ChannelGraph, Skipped
from edgeprune.prune.outputs import Difference
from edgeprune.prune.removal import Removal, check_removal
from edgeprune.prune.steps import bundles_of
from edgeprune.prune.trial import Refuted, Trial


@dataclass(frozen=True)
class Equivalence:
    """How exactly a removal equals masking the same channels.

    Attributes:
        max_abs_error: largest absolute difference of any output; None where nothing is claimed,
            because all groups are inexact.
        max_rel_error: the same over the largest magnitude of that output.
        dtype: precision of the comparison, `float64` or `float32`.
        groups: number of channel groups the claim is about.
        inexact_groups: names of groups without a claim.
    """

    max_abs_error: float | None
    max_rel_error: float | None
    dtype: str
    groups: int
    inexact_groups: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {**asdict(self), "inexact_groups": list(self.inexact_groups)}


class RemovalNotEqualError(EdgepruneError):
    """A removal that changes more than masking does; `culprits` names the groups and why."""

    def __init__(self, culprits: Sequence[Skipped]) -> None:
        self.culprits = tuple(culprits)
        first = self.culprits[0]
        others = f" (and {len(self.culprits) - 1} more)" if len(self.culprits) > 1 else ""
        super().__init__(
            f"channel group '{first.layer}'{others} cannot be removed: {first.reason}; "
            f"keep it with ignored_layers=['{first.layer}']"
        )


def prove(
    model: nn.Module,
    graph: ChannelGraph,
    removal: Removal,
    example_inputs: tuple[Tensor, ...],
) -> Equivalence:
    """Prove that removing equals masking; `model` is not changed.

    Args:
        model: the network of `graph`, before the removal.
        graph: its channels.
        removal: what is to go.
        example_inputs: what the model is called with.

    Raises:
        RemovalNotEqualError: some groups cannot go; the removal without them is proved.
        UserInputError: the removal does not fit, or the model does not run on the inputs.
    """
    check_removal(graph, removal)
    trial = Trial(model, graph, example_inputs)
    exact = tuple(i for i in removal.touched() if graph.groups[i].exact)
    inexact = tuple(i for i in removal.touched() if not graph.groups[i].exact)
    proof = _Proof(trial, graph, removal)
    worst = proof.of_redrawn(exact, inexact)
    trial.use_real_weights()
    worst = proof.of_real(exact, inexact, worst)
    return Equivalence(
        max_abs_error=worst.absolute if exact else None,
        max_rel_error=worst.relative if exact else None,
        dtype=str(trial.dtype).removeprefix("torch."),
        groups=len(exact),
        inexact_groups=tuple(graph.groups[i].name for i in inexact),
    )


def worst_of(proofs: Iterable[Equivalence]) -> Equivalence | None:
    """One statement for several removals: the largest errors, the lowest precision."""
    known = list(proofs)
    if not known:
        return None
    absolute = [p.max_abs_error for p in known if p.max_abs_error is not None]
    relative = [p.max_rel_error for p in known if p.max_rel_error is not None]
    return Equivalence(
        max_abs_error=max(absolute, default=None),
        max_rel_error=max(relative, default=None),
        dtype=min(p.dtype for p in known),
        groups=max(p.groups for p in known),
        inexact_groups=tuple(dict.fromkeys(n for p in known for n in p.inexact_groups)),
    )


class _Proof:
    """One removal on one trial."""

    def __init__(self, trial: Trial, graph: ChannelGraph, removal: Removal) -> None:
        self._trial = trial
        self._graph = graph
        self._removal = removal

    def of_redrawn(self, exact: Sequence[int], inexact: Sequence[int]) -> Difference:
        """The proof proper; on failure the culprits are found among the groups."""
        try:
            return self._check(exact, inexact)
        except Refuted:
            culprits: list[Skipped] = []
            self._accept((), self._parts((*exact, *inexact)), culprits)
            if culprits:
                raise RemovalNotEqualError(culprits) from None
            return self._check(exact, inexact)

    def of_real(
        self, exact: Sequence[int], inexact: Sequence[int], worst: Difference
    ) -> Difference:
        """The same on the weights the network has; after the first proof one verdict for all."""
        try:
            return worst.worse(self._check(exact, inexact))
        except Refuted as refutation:
            names = [self._graph.groups[i].name for i in (*exact, *inexact)]
            reason = f"with the network's own weights, {refutation}"
            raise RemovalNotEqualError([Skipped(name, reason) for name in names]) from None

    def _check(self, exact: Sequence[int], inexact: Sequence[int]) -> Difference:
        return self._trial.check(
            self._removal.restricted_to(exact), self._removal.restricted_to((*exact, *inexact))
        )

    def _parts(self, groups: Sequence[int]) -> list[tuple[int, ...]]:
        """The groups, linked ones together."""
        bundles = (bundle.groups for bundle in bundles_of(self._graph))
        return [bundle for bundle in bundles if set(bundle) & set(groups)]

    def _accept(
        self,
        accepted: tuple[int, ...],
        candidates: Sequence[tuple[int, ...]],
        culprits: list[Skipped],
    ) -> tuple[int, ...]:
        """Add to `accepted` what can go together with it; halve what cannot until it is single."""
        together = (*accepted, *(group for part in candidates for group in part))
        exact = [i for i in together if self._graph.groups[i].exact]
        inexact = [i for i in together if not self._graph.groups[i].exact]
        try:
            self._check(exact, inexact)
        except Refuted as refutation:
            if len(candidates) == 1:
                names = (self._graph.groups[group].name for group in candidates[0])
                culprits += [Skipped(name, str(refutation)) for name in names]
                return accepted
        else:
            return together
        half = len(candidates) // 2
        accepted = self._accept(accepted, candidates[:half], culprits)
        return self._accept(accepted, candidates[half:], culprits)
