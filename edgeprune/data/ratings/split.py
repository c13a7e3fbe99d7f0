"""Which interactions train, validate and test: every user's last ones are held out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from edgeprune.data.ratings.interactions import Ids, Interactions
from edgeprune.errors import UserInputError

LEAST: Final = 3  # interactions of a user: one to train on, one to validate, one to test
_TAIL: Final = 0.1  # of a user's ratings that test; as many before them validate


@dataclass(frozen=True)
class Parts:
    """Positions of interactions, ascending in time.

    Attributes:
        train: all that are not held out.
        val: of the users with enough of them, what comes before `test`.
        test: their last.
        short_users: users with fewer than `LEAST` interactions, all of which train.
    """

    train: Ids
    val: Ids
    test: Ids
    short_users: int


def leave_last_out(interactions: Interactions) -> Parts:
    """Every user's last interaction tests, the one before it validates.

    Raises:
        UserInputError: no user has enough interactions.
    """
    return _by_place_from_end(interactions, lambda counts: np.ones_like(counts))


def leave_tail_out(interactions: Interactions) -> Parts:
    """Every user's last tenth of the ratings tests, at least one; as many before them validate.

    Raises:
        UserInputError: no user has enough interactions.
    """
    return _by_place_from_end(
        interactions, lambda counts: np.maximum(1, np.floor(_TAIL * counts)).astype(np.int64)
    )


def _by_place_from_end(interactions: Interactions, held: Callable[[Ids], Ids]) -> Parts:
    """Hold out, of every user, twice as many as `held` says of a number of interactions."""
    user = interactions.user
    counts = np.bincount(user, minlength=interactions.users.rows)
    order = np.argsort(user, kind="stable")
    ends = np.cumsum(counts)
    from_end = np.empty_like(user)
    from_end[order] = ends[user[order]] - 1 - np.arange(len(user))
    tail = held(counts)[user]
    enough = (counts >= LEAST)[user]
    tests = enough & (from_end < tail)
    validates = enough & ~tests & (from_end < 2 * tail)
    if not tests.any():
        raise UserInputError(
            f"ratings: no user has {LEAST} interactions, one each to train, validate and test on; "
            "give more"
        )
    short = int(((counts > 0) & (counts < LEAST)).sum())
    train = np.flatnonzero(~(tests | validates))
    return Parts(train, np.flatnonzero(validates), np.flatnonzero(tests), short)
