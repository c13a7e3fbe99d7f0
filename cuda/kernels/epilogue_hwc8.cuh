// The same for kHWC8: a lane stores the V outputs of a pixel, which lie beside each other.
#pragma once

#include "epilogue.cuh"

namespace edgeprune {
namespace sparse {

// Channels that pad a pixel to a multiple of 8 are zero.
template <class Shape>
__device__ __forceinline__ void store_padding(const DirectArguments& a,
                                              const Outputs<Shape>& outputs, int pixel) {
  for (int channel = a.outputs; channel < a.pixel_pitch_out; ++channel) {
    outputs.y.store(pixel + channel, from_f<typename Shape::T>(0.0f));
  }
}

template <class Shape>
__device__ __forceinline__ void finish_hwc8(const DirectArguments& a, const Tile& tile,
                                            const Outputs<Shape>& outputs, const Lane& lane,
                                            int group, const Sums<Shape>& sums) {
  const long long row_pitch = static_cast<long long>(a.output_width) * a.pixel_pitch_out;
  const long long first_row = static_cast<long long>(tile.image) * a.output_height + tile.out_row;
  const Outputs<Shape> here = outputs.from(first_row * row_pitch);
#pragma unroll
  for (int r = 0; r < Shape::kPixels; ++r) {
    const bool mine =
        r % Shape::kSplit == lane.split && lane.column < tile.columns && r < tile.rows;
    const int pixel =
        (r * a.output_width + tile.out_column + lane.column) * a.pixel_pitch_out;
#pragma unroll
    for (int v = 0; v < Shape::kVector; ++v) {
      const float sum = total<Shape>(sums[v][r]);
      const int channel = output_channel<Shape>(a, group, v);
      if (channel < 0) continue;
      const float bias = outputs.bias ? outputs.bias.load(channel) : 0.0f;
      store_result(a, here, sum, bias, pixel + channel, mine);
      if (mine && channel == a.outputs - 1) store_padding(a, here, pixel);
    }
  }
}

}  // namespace sparse
}  // namespace edgeprune
