"""Composed interactions in RecBole's atomic files: users of one taste take items of that taste."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

Row = tuple[str, str, str, str]
INTER = "user_id:token\titem_id:token\trating:float\ttimestamp:float"
GENRES = ("Drama", "Comedy", "Action")


def interaction_rows(users: int = 60, items: int = 40, each: int = 10, seed: int = 0) -> list[Row]:
    """`each` interactions a user, most with items of the user's taste (number modulo 3)."""
    rng = np.random.default_rng(seed)
    rows = []
    for user in range(users):
        weights = np.where(np.arange(items) % 3 == user % 3, 12.0, 1.0)
        chosen = rng.choice(items, each, replace=False, p=weights / weights.sum())
        for place, item in enumerate(chosen):
            liked = item % 3 == user % 3
            rating = 2.0 + 2.0 * liked + int(rng.integers(2))
            rows.append((f"u{user}", f"i{item}", f"{rating:g}", str(1000 + 10 * place)))
    return rows


def write_ratings(
    folder: Path,
    rows: Sequence[Row],
    *,
    header: str = INTER,
    features: bool = True,
    users: int = 60,
    items: int = 40,
) -> Path:
    """The folder `small` with `small.inter` and, with `features`, `small.user` and `small.item`."""
    folder = folder / "small"
    folder.mkdir(parents=True, exist_ok=True)
    lines = [header, *("\t".join(row) for row in rows)]
    (folder / "small.inter").write_text("\n".join(lines) + "\n", encoding="utf-8")
    if features:
        table = ["user_id:token\tage:token\tzip_code:token\theight:float"]
        table += [f"u{n}\t{20 + n % 3}\t{10000 + n}\t{170 + n % 7}" for n in range(users)]
        (folder / "small.user").write_text("\n".join(table) + "\n", encoding="utf-8")
        table = ["item_id:token\ttitle:token_seq\tyear:token\tclass:token_seq"]
        table += [
            f"i{n}\tTitle No{n}\t{1990 + n % 4}\t{GENRES[n % 3]}{' War' * (n % 2)}"
            for n in range(items)
        ]
        (folder / "small.item").write_text("\n".join(table) + "\n", encoding="utf-8")
    return folder
