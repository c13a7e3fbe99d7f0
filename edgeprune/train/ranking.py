"""Ranks of held-out items among all candidates, and who finds theirs among the first k.

Sources: He et al., "Neural Collaborative Filtering", WWW 2017, section 4.1 (HR with one held-out
item); Krichene & Rendle, KDD 2020 (why all items are ranked, not a sample).
"""

from __future__ import annotations

from torch import Tensor

from edgeprune.data.batch import Candidates
from edgeprune.errors import EdgepruneError


def ranks(scores: Tensor, candidates: Candidates) -> Tensor:
    """(users,) int64: the place of the held-out item in the list, from 1.

    Items that the user has already do not count. An item with the same score stands before the
    held-out one, so that equal scores for all earn nothing.

    Args:
        scores: a value per user and item, in the order of the batch's rows.

    Raises:
        EdgepruneError: a score is not a number, or the counts do not fit.
    """
    barred = candidates.barred
    if scores.numel() != barred.numel():
        raise EdgepruneError(
            f"{scores.numel()} scores for {barred.shape[0]} users and {barred.shape[1]} items: a "
            "ranking network gives one score per pair"
        )
    table = scores.reshape(barred.shape).to(barred.device).float()
    if bool(table.isnan().any()):
        raise EdgepruneError("a score is NaN, so the items cannot be ranked: check the weights")
    held = table.gather(1, candidates.held.unsqueeze(1))
    before = (table >= held) & ~barred
    return before.sum(1)


def hits(rank: Tensor, k: int) -> Tensor:
    """(users,) whether the held-out item is among the first k: their mean is HR@k."""
    return rank <= k
