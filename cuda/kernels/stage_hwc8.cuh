// The same for kHWC8: of every pixel the channels of the tile, which are contiguous.
#pragma once

#include "stage.cuh"

namespace edgeprune {
namespace sparse {

template <class Shape>
__device__ __forceinline__ void stage_hwc8(const DirectArguments& a, const Tile& tile,
                                           const Shared& raw,
                                           const Global<typename Shape::T>& x,
                                           int first_channel, int channels) {
  const int size = a.height * a.width * a.pixel_pitch_in;
  const Image<typename Shape::T> image(x, tile.image, a.batch, size);
  const int skew = first_channel % Shape::kCopy;
  const int columns = tile.right - tile.left, pixels = (tile.bottom - tile.top) * columns;
  const int chunks = (skew + channels + Shape::kCopy - 1) / Shape::kCopy;
  // Chunks of a pixel, and pixels of a row, follow one another.
#pragma unroll 1
  for (int i = thread_in_block(); i < pixels * chunks; i += threads_of_block()) {
    const int pixel = i / chunks, chunk = (i - pixel * chunks) * Shape::kCopy;
    const int row = pixel / columns, column = pixel - row * columns;
    const int from = ((tile.top + row) * a.width + tile.left + column) * a.pixel_pitch_in +
                     first_channel - skew + chunk;
    const int to = row * a.raw_row_pitch + column * a.raw_column_pitch + chunk;
    copy_chunk<Shape>(a, raw, to, image.numbers, from, image.length, true);
  }
}

}  // namespace sparse
}  // namespace edgeprune
