// What the template parameters of a kernel fix.
#pragma once

#include "../plan/arguments.h"
#include "../plan/layer.h"
#include "primitives.cuh"

namespace edgeprune {
namespace sparse {

// V outputs share their columns; a warp has G groups of them, a lane P rows of one output column,
// and S lanes split the list of weights of one output column.
template <class Type, int V, int G, int P, int S, Layout LAYOUT>
struct Shape {
  using T = Type;
  static constexpr int kVector = V;
  static constexpr int kGroups = G;
  static constexpr int kPixels = P;
  static constexpr int kSplit = S;
  static constexpr Layout kLayout = LAYOUT;

  static constexpr int kColumns = kLanes / S;  // lanes beside each other
  static constexpr int kSize = static_cast<int>(sizeof(T));
  static constexpr int kWordBytes = P * kSize <= 8 ? 8 : 16;
  static constexpr int kElements = kWordBytes / kSize;                    // rows in a word
  static constexpr int kWordHeight = (P + kElements - 1) / kElements;     // words of a lane
  static constexpr int kCopy = 16 / kSize;                                // numbers in a copy
  using Word = Bits<kWordBytes>;

  static constexpr int kValueBytes = V * kSize;
  // Columns that a warp fetches at once, at most 16 bytes of values a lane; and those that it keeps.
  static constexpr int kChunk = kValueBytes > 16 ? kLanes * 16 / kValueBytes : kLanes;
  static constexpr int kRing = 2 * kChunk;
  static constexpr int kRingBytes = kRing * (2 + kValueBytes);
  static constexpr int kStateBytes = 64;
  static constexpr int kGroupBytes = kRingBytes + kStateBytes;
};

}  // namespace sparse
}  // namespace edgeprune
