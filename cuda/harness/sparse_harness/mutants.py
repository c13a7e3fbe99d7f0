"""Seeded bugs: each a change of one line of the sources, and the check that is to catch it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from sparse_harness.build import CUDA


@dataclass(frozen=True)
class Mutant:
    """A bug.

    Attributes:
        name: what it is.
        file: below `cuda/`.
        right: text that is there once.
        wrong: what it becomes.
        build: in which the bug is caught.
        told: part of what the check says; "wrong" where only the numbers are.
    """

    name: str
    file: str
    right: str
    wrong: str
    build: str
    told: str


_DIRECT = "kernels/direct.cuh"
_SPREAD_BARRIER = "    wait_copies();\n    sync_block();\n"
_SPREAD = "    spread<Shape>(a, kept.load(), words, raw, tile_now());\n"
_WALK_BARRIER = _SPREAD + "    sync_block();\n"

MUTANTS = (
    Mutant(
        "no barrier before the words are written", _DIRECT,
        _SPREAD_BARRIER, "    wait_copies();\n", "races", "race",
    ),
    Mutant(
        "no barrier before the words are read", _DIRECT,
        _WALK_BARRIER, _SPREAD, "races", "race",
    ),
    Mutant(
        "copies are not waited for", _DIRECT,
        "    wait_copies();\n", "", "races", "before cp.async delivers it",
    ),
    Mutant(
        "no __syncwarp before the ring is overwritten", "kernels/walk.cuh",
        "    sync_warp();  // before the ring is written again\n", "", "races", "race",
    ),
    Mutant(
        "no __syncwarp after the ring is written", "kernels/columns.cuh",
        "    loaded_ += Shape::kChunk;\n    sync_warp();\n", "    loaded_ += Shape::kChunk;\n",
        "races", "race",
    ),
    Mutant(
        "a warp without work leaves early", _DIRECT,
        "  do {\n    wait_copies();\n",
        "  do {\n    if (group(0).state.packed() < 0) return;\n    wait_copies();\n",
        "plain", "barrier divergence",
    ),
    Mutant(
        "half a warp waits at the barrier", _DIRECT,
        _WALK_BARRIER,
        _SPREAD + "    if (thread_in_block() % 32 < 16) sync_block(); else sync_warp();\n",
        "plain", "deadlock",
    ),
    Mutant(
        "a shuffle leaves lanes out of its mask", "emulation/cuda.h",
        "emulation::shuffle_xor(0xffffffffu,", "emulation::shuffle_xor(0x0fffffffu,",
        "plain", "not in the mask",
    ),
    Mutant(
        "a shuffle reads a lane outside its mask", "emulation/cuda.h",
        "  return emulation::shuffle_xor(0xffffffffu, value, static_cast<unsigned>(with));",
        "  return emulation::shuffle(0xffffu << (thread_in_block() & 16), value, "
        "static_cast<unsigned>(thread_in_block() % 32 ^ 16 ^ (with & 0)));",
        "plain", "reads a lane that is not in its mask",
    ),
    Mutant(
        "words behind the tile", "kernels/walk.cuh",
        "ring.offset(column) + lane.column", "ring.offset(column) + lane.column + 100000",
        "plain", "shared memory out of bounds",
    ),
    Mutant(
        "weights behind the last", "kernels/columns.cuh",
        "load_if(owner >= from && owner < end,", "load_if(owner >= from,",
        "plain", "global memory out of bounds",
    ),
    Mutant(
        "outputs behind the last row", "kernels/tile.cuh",
        "smaller(Shape::kPixels, a.output_height - tile.out_row)", "Shape::kPixels",
        "plain", "global memory out of bounds",
    ),
    Mutant(
        "the padding is not zeroed", "kernels/spread.cuh",
        "  words.store_if(origin.position >= 0,", "  words.store_if(origin.there != 0,",
        "plain", "wrong",
    ),
    Mutant(
        "lanes that split the weights are not added up", "kernels/epilogue.cuh",
        "with < kLanes; with *= 2", "with < kLanes / 2; with *= 2", "plain", "wrong",
    ),
    Mutant(
        "a segment's last column is left out", "kernels/walk.cuh",
        "first + lane.split; column < until;", "first + lane.split; column < until - 1;",
        "plain", "wrong",
    ),
    Mutant(
        "the tile of channels is left without a __syncwarp", "kernels/walk.cuh",
        "  sync_warp();\n  if (thread_in_block() % kLanes == 0) state.",
        "  if (thread_in_block() % kLanes == 0) state.", "races", "race",
    ),
    Mutant(
        "columns look for their channel in the tile, not in the ring", "plan/ring.cc",
        "(k)] % ring_channels_;", "(k)] % channel_tile_;", "plain", "wrong",
    ),
    Mutant(
        "a tile of channels lies in the place of the one before", "kernels/direct.cuh",
        "index * a.channel_tile % a.ring_channels", "0", "plain", "wrong",
    ),
    Mutant(
        "a pair of float16 sums gives its lower twice", "kernels/terms.cuh",
        "sums_[2 * j + 1][r] += high_f(", "sums_[2 * j + 1][r] += low_f(", "plain", "wrong",
    ),
)  # fmt: skip


def plant(mutant: Mutant, folder: Path) -> Path:
    """A copy of `cuda/` below the folder that has the bug."""
    root = folder / "cuda"
    shutil.copytree(CUDA, root, ignore=shutil.ignore_patterns("__pycache__", "*.py"))
    path = root / mutant.file
    text = path.read_text()
    if text.count(mutant.right) != 1:
        raise ValueError(f"{mutant.name}: {mutant.file} has it {text.count(mutant.right)} times")
    path.write_text(text.replace(mutant.right, mutant.wrong))
    return root
