"""Items that users have not interacted with, drawn many at a time."""

from __future__ import annotations

import torch
from torch import Tensor

from edgeprune.errors import UserInputError


class NegativeSampler:
    """Draws items uniformly from those that a user has not in training.

    Args:
        user: (N,) training interactions' users.
        item: (N,) their items, from 1 to `items`.
        items: how many there are.

    Raises:
        UserInputError: a user has every item.
    """

    def __init__(self, user: Tensor, item: Tensor, items: int) -> None:
        self._items = items
        self._keys = torch.unique(self._key(user, item))
        full = torch.bincount(user) >= items
        if bool(full.any()):
            raise UserInputError(
                f"ratings: the user in row {int(full.nonzero()[0])} has interacted with all "
                f"{items} items, so that none is left to tell them from; leave such users out"
            )

    def draw(self, user: Tensor, generator: torch.Generator) -> Tensor:
        """(N,) an item for each of `user` (N,); those that a user has are drawn again."""
        drawn = torch.empty_like(user)
        open_places = torch.arange(len(user))
        while len(open_places):
            drawn[open_places] = torch.randint(
                1, self._items + 1, (len(open_places),), generator=generator
            )
            had = self.has(user[open_places], drawn[open_places])
            open_places = open_places[had]
        return drawn

    def has(self, user: Tensor, item: Tensor) -> Tensor:
        """(N,) whether each user has the item in training."""
        keys = self._key(user, item)
        place = torch.searchsorted(self._keys, keys).clamp_max(len(self._keys) - 1)
        found: Tensor = self._keys[place] == keys
        return found

    def _key(self, user: Tensor, item: Tensor) -> Tensor:
        return user * (self._items + 1) + item
