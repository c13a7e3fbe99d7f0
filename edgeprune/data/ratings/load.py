"""`--data ratings:DIR[:ranking|rating][@K][+features]`: users, items and their interactions."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import torch

from edgeprune.data.dataset import Data
from edgeprune.data.ratings.atomic_files import read_tables
from edgeprune.data.ratings.encoder import RatingsEncoder
from edgeprune.data.ratings.interactions import Ids, Interactions, interactions_of
from edgeprune.data.ratings.ranking_data import RankingData
from edgeprune.data.ratings.split import LEAST, Parts, leave_last_out, leave_tail_out
from edgeprune.data.samples import MemorySamples
from edgeprune.data.source import Labelled, Source
from edgeprune.errors import UserInputError

VOCABULARY_FILE: Final = "vocabulary.json"
TOP_K: Final = 10
_TASKS: Final = ("ranking", "rating")
_WORDS: Final = re.compile(r":(\w+)(?:@(\d{1,4}))?$")


def load_ratings(spec: str) -> Source | Data:
    """Read interactions, hold out every user's last ones, and encode users and items.

    `ranking` (the default) takes every interaction as a positive; K items are shown to a user, 10
    unless `@K` says otherwise. `rating` predicts the number. With `+features` networks get what the
    files `.user` and `.item` say besides the ids.

    Args:
        spec: what follows `ratings:`.

    Raises:
        UserInputError: one line for a missing file, column or user, or a row that cannot be used.
        CorruptFileError: one line for a damaged file.
    """
    path, task, top_k, features = _parse(spec)
    tables = read_tables(path)
    interactions = interactions_of(tables, ratings=task == "rating")
    parts = (leave_last_out if task == "ranking" else leave_tail_out)(interactions)
    encoder = RatingsEncoder.fit(tables, interactions, parts.train, features)
    if task == "ranking" and top_k >= len(interactions.items.tokens):
        raise UserInputError(
            f"--data ratings:{spec}: a list of {top_k} holds all {len(interactions.items.tokens)} "
            "items; give a smaller @K"
        )
    name = f"{path.name} ({task}{', features' if features else ''})"
    attachments = {VOCABULARY_FILE: encoder.to_json()}
    notes = _notes(interactions, parts)
    if task == "ranking":
        return RankingData(
            name, interactions, parts, encoder, top_k=top_k, attachments=attachments, notes=notes
        )
    width = len(encoder.rows)
    return Source(
        name=name,
        classes=(),
        image_size=(1, 1),
        channels=width,
        train=_labelled(encoder, interactions, parts.train),
        val=_labelled(encoder, interactions, parts.val),
        test=_labelled(encoder, interactions, parts.test),
        mean=(0.0,) * width,
        std=(1.0,) * width,
        policy="none",
        task="regression",
        normalised=True,
        attachments=attachments,
        input_args=encoder.arch_args,
        inputs_digest=encoder.inputs_digest,
        notes=notes,
    )


def _parse(spec: str) -> tuple[Path, str, int, bool]:
    rest = spec.removesuffix("+features")
    found = _WORDS.search(rest)
    name = rest[: found.start()] if found else rest
    task = found[1] if found else _TASKS[0]
    top_k = int(found[2]) if found and found[2] else TOP_K
    if not name or task not in _TASKS or top_k < 1 or (task == "rating" and found and found[2]):
        raise UserInputError(
            f"--data ratings:{spec}: write ratings:DIR, ratings:DIR:ranking@K (K items a list) or "
            "ratings:DIR:rating, each with +features where networks are to get them"
        )
    return Path(name).expanduser(), task, top_k, rest != spec


def _notes(interactions: Interactions, parts: Parts) -> tuple[str, ...]:
    if not parts.short_users:
        return ()
    return (
        f"{parts.short_users:,} of {len(interactions.users.tokens):,} users have fewer than "
        f"{LEAST} interactions: they train, and are not tested",
    )


def _labelled(encoder: RatingsEncoder, interactions: Interactions, chosen: Ids) -> Labelled:
    arrays = encoder.inputs(interactions.user[chosen], interactions.item[chosen])
    targets = torch.from_numpy(interactions.rating[chosen]).float()
    return Labelled(MemorySamples(*map(torch.from_numpy, arrays)), targets)
