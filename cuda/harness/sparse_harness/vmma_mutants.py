"""Seeded bugs of the kernel for tensor cores, and the checks that are meant to catch them."""

from __future__ import annotations

from sparse_harness.mutants import Mutant

_KERNEL, _WALK = "kernels/vmma.cuh", "kernels/vmma_walk.cuh"
_ARRANGE = "plan/arrange.cc"

VMMA_MUTANTS = (
    Mutant(
        "no barrier before the words are written", _KERNEL,
        "    wait_copies();\n    sync_block();\n", "    wait_copies();\n", "races", "race",
    ),
    Mutant(
        "no barrier before the words are gathered", _KERNEL,
        "raw, index);\n    sync_block();\n", "raw, index);\n", "races", "race",
    ),
    Mutant(
        "copies are not waited for", _KERNEL,
        "    wait_copies();\n", "", "races", "before cp.async delivers it",
    ),
    Mutant(
        "no barrier before results take the place of the words", _KERNEL,
        "  sync_block();\n  const Shared scratch", "  const Shared scratch", "races", "race",
    ),
    Mutant(
        "no barrier before results are stored", _KERNEL,
        "  sync_block();\n  if (group >= 0) {\n    if (kHwc8) store",
        "  if (group >= 0) {\n    if (kHwc8) store", "races", "race",
    ),
    Mutant(
        "no barrier before the next half of the results", _KERNEL,
        "group, half);\n  }\n  sync_block();\n", "group, half);\n  }\n", "races", "race",
    ),
    Mutant(
        "a warp without a group leaves early", _KERNEL,
        "#pragma unroll 1\n  for (int index = 0;",
        "  if (group.next < 0) return;\n#pragma unroll 1\n  for (int index = 0;",
        "plain", "barrier divergence",
    ),
    Mutant(
        "lanes beside the tile do not multiply", _WALK,
        "        multiply_fragments(", "        if (column < 13) multiply_fragments(",
        "plain", "deadlock",
    ),
    Mutant(
        "a step behind the last", _WALK,
        "if (++group->next < known)", "if (++group->next <= known)",
        "plain", "global memory out of bounds",
    ),
    Mutant(
        "words behind the tile", _WALK,
        "(step.offset(i) + column)", "(step.offset(i) + column + 100000)",
        "plain", "shared memory out of bounds",
    ),
    Mutant(
        "fragments have their registers swapped", _ARRANGE,
        "i / 2 * 2 + in_half / 8", "in_half / 8 * 2 + i / 2", "plain", "wrong",
    ),
    Mutant(
        "the halves of the rows are swapped", _WALK,
        "multiply_fragments(sums[r][half], step.rows[half], b[0], b",
        "multiply_fragments(sums[r][half], step.rows[1 - half], b[0], b", "plain", "wrong",
    ),
    Mutant(
        "half a step is multiplied as a whole one", _WALK,
        "if (step.half()) {", "if (false) {", "plain", "shared memory out of bounds",
    ),
    Mutant(
        "gathered pixels are of the row above", _WALK,
        "r % 2 ? high_halves(", "r % 2 == 0 ? high_halves(", "plain", "wrong",
    ),
    Mutant(
        "columns that do not fill a step are left out", _ARRANGE,
        "steps.add(ring, {waiting.begin(), waiting.begin() + done});",
        "steps.add(ring, {waiting.begin(), waiting.begin() + done / kTensorHalfStep * 8});",
        "plain", "wrong",
    ),
    Mutant(
        "columns that fill up a step have weights", _ARRANGE,
        "        if (!quadruples[i].filled[lane]) continue;\n", "", "plain", "wrong",
    ),
    Mutant(
        "the last row of a tile is left out", _WALK,
        "r > 0 && r >= rows", "r > 0 && r + 1 >= rows", "plain", "wrong",
    ),
    Mutant(
        "strips inside the output are left out", _KERNEL,
        "strip.part * kMmaPixels < tile.columns",
        "(strip.part + 1) * kMmaPixels < tile.columns", "plain", "wrong",
    ),
    Mutant(
        "results are of the wrong channels", "kernels/vmma_epilogue.cuh",
        "(strip.channel() + 8 * i)", "(7 - strip.channel() + 8 * i)", "plain", "wrong",
    ),
    Mutant(
        "outputs behind the last column", "kernels/vmma_epilogue_hwc8.cuh",
        "channel < 0 || x >= tile.columns", "channel < 0", "plain", "global memory out of bounds",
    ),
)  # fmt: skip
