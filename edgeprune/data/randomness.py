"""Randomness that depends on what it is for, never on what happened before it was asked for."""

from __future__ import annotations

import hashlib
import json

import torch


def keyed_seed(seed: int, *key: int | str) -> int:
    """Hash `seed` and `key` into 63 bits that are the same in every process and on every platform.

    Args:
        seed: the run's seed.
        *key: what the randomness is for, such as `"augment", epoch, batch`; 1 and "1" differ.
    """
    text = json.dumps([seed, *key], separators=(",", ":"))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def keyed_generator(seed: int, *key: int | str) -> torch.Generator:
    """Return a fresh CPU generator for `seed` and `key`; equal arguments draw equal numbers.

    Resuming a run, or adding a draw elsewhere, therefore changes nothing here.
    """
    return torch.Generator().manual_seed(keyed_seed(seed, *key))
