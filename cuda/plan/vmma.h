// What sparse_conv_vmma, the kernel for tensor cores, fixes: V = 32 output channels are two halves of
// 16 rows of an mma.sync.m16n8k16, its 16 columns are columns of the format, its 8 pixels neighbours
// in a row of the output. A block's warps lie beside each other along the row, and, where there are
// more of them, work on several groups of V.
#pragma once

#include "layer.h"
#include "tactic.h"

namespace edgeprune {
namespace sparse {

constexpr int kTensorVector = 32;
constexpr int kTensorColumns = 16;
constexpr int kTensorPixels = 8;
// A step may have the first half of its columns alone: a mma.sync.m16n8k8.
constexpr int kTensorHalfStep = kTensorColumns / 2;
constexpr int kTensorSm = 80;
// Output channels that a warp hands on at once in its epilogue.
constexpr int kTensorRows = 16;

inline bool on_tensor_cores(const Layer& layer) { return layer.vector == kTensorVector; }

// Warps beside each other that cover the columns of a tile.
inline int warps_across(int tile_columns) { return divide_up(tile_columns, kTensorPixels); }

// Groups of V output channels that a block with tiles of so many columns works on.
inline int groups_per_block(const Layer& layer, const Tactic& tactic, int tile_columns) {
  return on_tensor_cores(layer) ? tactic.warps / warps_across(tile_columns)
                                : tactic.warps * tactic.groups_per_warp;
}

// The banks of shared memory pass 128 bytes at once, a quarter of them to the lanes that gather one
// column: this many words, which neighbouring lanes read.
constexpr int words_of_quarter(int word_bytes) { return 32 / word_bytes; }

}  // namespace sparse
}  // namespace edgeprune
