// The same for kHWC8: of every pixel the channels of the tile, which are contiguous.
#pragma once

#include "stage.cuh"

namespace edgeprune {
namespace sparse {

// Where a pixel's first number lies.
__device__ __forceinline__ long long pixel_hwc8(const DirectArguments& a, int image, int row,
                                                int column) {
  return ((static_cast<long long>(image) * a.height + row) * a.width + column) *
         a.pixel_pitch_in;
}

template <class Shape>
__device__ __forceinline__ void stage_hwc8(const DirectArguments& a, const Tile& tile,
                                           const Shared& raw,
                                           const Global<typename Shape::T>& x,
                                           int first_channel, int channels) {
  const long long total = pixel_hwc8(a, a.batch, 0, 0);
  const int skew = first_channel % Shape::kCopy;
  const int columns = tile.right - tile.left, pixels = (tile.bottom - tile.top) * columns;
  const int chunks = (skew + channels + Shape::kCopy - 1) / Shape::kCopy;
  // Chunks of a pixel, and pixels of a row, follow one another.
#pragma unroll 1
  for (int i = thread_in_block(); i < pixels * chunks; i += threads_of_block()) {
    const int pixel = i / chunks, chunk = i - pixel * chunks;
    const int row = pixel / columns, column = pixel - row * columns;
    const long long from = pixel_hwc8(a, tile.image, tile.top + row, tile.left + column) +
                           first_channel - skew + chunk * Shape::kCopy;
    const int to = row * a.raw_row_pitch + column * a.raw_column_pitch + chunk * Shape::kCopy;
    copy_chunk<Shape>(a, raw, to, x, from, total);
  }
}

}  // namespace sparse
}  // namespace edgeprune
