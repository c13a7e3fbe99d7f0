"""Seeded damage to files: what a bad disk, a cut connection or an ill-meant author leaves."""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Callable


def truncated(content: bytes, draw: random.Random) -> bytes:
    """A cut at some point, half of the time near the end."""
    near_end = draw.random() < 0.5
    return content[: draw.randrange(len(content) * 9 // 10 * near_end, len(content))]


def flipped(content: bytes, draw: random.Random) -> bytes:
    """One to twenty bits turned over."""
    damaged = bytearray(content)
    for _ in range(draw.randint(1, 20)):
        damaged[draw.randrange(len(damaged))] ^= 1 << draw.randrange(8)
    return bytes(damaged)


def swapped(content: bytes, draw: random.Random) -> bytes:
    """Two blocks that changed places."""
    size = max(1, min(512, len(content) // 4))
    first, second = sorted(draw.sample(range(0, len(content) - size, size), 2))
    damaged = bytearray(content)
    damaged[first : first + size] = content[second : second + size]
    damaged[second : second + size] = content[first : first + size]
    return bytes(damaged)


def overwritten(content: bytes, draw: random.Random) -> bytes:
    """A block replaced by noise of another length."""
    start = draw.randrange(len(content))
    noise = draw.randbytes(draw.randint(0, 600))
    return content[:start] + noise + content[start + draw.randint(1, 600) :]


ALL: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    truncated,
    flipped,
    swapped,
    overwritten,
)


def damaged(content: bytes, seed: int) -> bytes:
    """One kind of damage, by the seed."""
    return ALL[seed % len(ALL)](content, random.Random(seed))


def damaged_inside(archive: bytes, ending: str, seed: int) -> bytes:
    """A zip whose records `*ending` are damaged and whose checksums are right again."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as old, zipfile.ZipFile(out, "w") as new:
        for entry in old.infolist():
            data = old.read(entry)
            hit = entry.filename.endswith(ending) and data
            new.writestr(entry.filename, damaged(data, seed) if hit else data)
    return out.getvalue()
