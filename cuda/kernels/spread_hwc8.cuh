// The same for kHWC8: lanes take neighbouring channels of one place, which lie beside each other.
#pragma once

#include "spread.cuh"

namespace edgeprune {
namespace sparse {

template <class Shape>
__device__ __forceinline__ void spread_hwc8(const DirectArguments& a, const Tile& tile,
                                            const Shared& words, const Shared& raw, int skew,
                                            int channels, int place) {
  const int warps = threads_of_block() / kLanes, warp = thread_in_block() / kLanes;
  const int positions = a.word_rows * a.word_pitch;
#pragma unroll 1
  for (int position = warp; position < positions; position += warps) {
    const Origin origin = origin_of<Shape>(a, tile, position, skew);
#pragma unroll 1
    for (int channel = thread_in_block() % kLanes; channel < channels; channel += kLanes) {
      spread_word<Shape>(a, words, raw, origin, channel, place);
    }
  }
}

}  // namespace sparse
}  // namespace edgeprune
