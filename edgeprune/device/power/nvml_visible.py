"""Which GPUs a program may use: `CUDA_VISIBLE_DEVICES`, by number or by UUID."""

from __future__ import annotations

from typing import Sequence


def visible_gpus(uuids: Sequence[str], asked: str | None) -> list[int]:
    """Numbers of the GPUs whose energy is the program's own.

    CUDA reads the list up to the first entry that names no GPU. Numbers are taken in the order of
    the buses, in which NVML counts; CUDA's own order differs only between GPUs of different speed.

    Args:
        uuids: of all GPUs, such as `GPU-1b2c...`, in NVML's order.
        asked: the variable; None where it is not set, which is all of them.
    """
    if asked is None:
        return list(range(len(uuids)))
    found: list[int] = []
    for entry in (part.strip() for part in asked.split(",")):
        numbers = _matching(uuids, entry)
        if len(numbers) != 1 or numbers[0] in found:
            break
        found += numbers
    return sorted(found)


def _matching(uuids: Sequence[str], entry: str) -> list[int]:
    """An UUID may be shortened as far as it stays the only one."""
    if entry.isdigit():
        return [int(entry)] if int(entry) < len(uuids) else []
    if not entry.startswith("GPU-"):
        return []
    return [number for number, uuid in enumerate(uuids) if uuid.startswith(entry)]
