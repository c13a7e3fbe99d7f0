// The same for kHWC8: a lane stores the V outputs of a pixel, which lie beside each other.
#pragma once

#include "epilogue.cuh"

namespace edgeprune {
namespace sparse {

// Channels that pad a pixel to a multiple of 8 are zero.
template <class Shape>
__device__ __forceinline__ void store_padding(const DirectArguments& a,
                                              const Outputs<Shape>& outputs, int pixel) {
#pragma unroll 1
  for (int channel = a.outputs; channel < a.pixel_pitch_out; ++channel) {
    outputs.y.store(pixel + channel, from_f<typename Shape::T>(0.0f));
  }
}

template <class Shape>
__device__ __forceinline__ void finish_hwc8(const DirectArguments& a, const Tile& tile,
                                            const Outputs<Shape>& outputs, int group,
                                            const Sums<Shape>& sums) {
  const Lane lane = lane_of_warp<Shape>();
  const int row_pitch = a.output_width * a.pixel_pitch_out;
  const long long first_row = static_cast<long long>(tile.image) * a.output_height + tile.out_row;
  const Outputs<Shape> here = outputs.from(first_row * row_pitch);
  const int pixel = (tile.out_column + lane.column) * a.pixel_pitch_out;
  const int rows = lane.column < tile.columns ? tile.rows : 0;
  bool last = false;
#pragma unroll
  for (int v = 0; v < Shape::kVector; ++v) {
    const int channel = output_channel<Shape>(a, group, v);
    const float bias = outputs.bias && channel >= 0 ? outputs.bias.load(channel) : 0.0f;
    last = last || channel == a.outputs - 1;
#pragma unroll
    for (int r = 0; r < Shape::kPixels; ++r) {
      const float sum = total<Shape>(sums[v][r]);
      const bool mine = r % Shape::kSplit == lane.split && r < rows && channel >= 0;
      store_result(a, here, sum, bias, pixel + r * row_pitch + channel, mine);
    }
  }
#pragma unroll 1
  for (int r = last ? lane.split : rows; r < rows; r += Shape::kSplit) {
    store_padding(a, here, pixel + r * row_pitch);
  }
}

}  // namespace sparse
}  // namespace edgeprune
