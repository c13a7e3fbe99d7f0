// From sums to outputs: bias, residual and activation, stored in whole sectors.
#pragma once

#include "tile.cuh"
#include "walk.cuh"

namespace edgeprune {
namespace sparse {

template <class Shape>
struct Outputs {
  Global<float> bias;
  Global<typename Shape::T> residual;
  Global<typename Shape::T> y;

  // The same from some number on.
  __device__ __forceinline__ Outputs from(long long first) const {
    return {bias, residual ? residual.from(first) : residual, y.from(first)};
  }
};

// Adds up what the lanes that split the weights have.
template <class Shape>
__device__ __forceinline__ float total(float sum) {
#pragma unroll
  for (int with = Shape::kColumns; with < kLanes; with *= 2) sum += shuffle_xor(sum, with);
  return sum;
}

// A NaN stays one.
__device__ __forceinline__ float activate(const DirectArguments& a, float value) {
  value = value < a.lower ? a.lower : value;
  return value > a.upper ? a.upper : value;
}

// Output channel v of a group, or -1 where the last group of a group of the convolution has none.
template <class Shape>
__device__ __forceinline__ int output_channel(const DirectArguments& a, int group, int v) {
  const int rows = divide_rounding_up(a.group_outputs, Shape::kVector);
  const int within = group % rows * Shape::kVector + v;
  return within < a.group_outputs ? group / rows * a.group_outputs + within : -1;
}

template <class Shape>
__device__ __forceinline__ void store_result(const DirectArguments& a,
                                             const Outputs<Shape>& outputs, float value,
                                             float bias, int at, bool there) {
  using T = typename Shape::T;
  value += bias;
  if (outputs.residual) value += to_f(outputs.residual.load_if(there, at));
  outputs.y.store_if(there, at, from_f<T>(activate(a, value)));
}

// The warp's tile of one output channel, as it will lie in memory, row behind row.
template <class Shape>
__device__ __forceinline__ void collect(const Tile& tile, const Shared& scratch,
                                        const float (&sums)[Shape::kPixels], const Lane& lane) {
#pragma unroll
  for (int r = 0; r < Shape::kPixels; ++r) {
    const float sum = total<Shape>(sums[r]);
    const bool mine =
        r % Shape::kSplit == lane.split && lane.column < tile.columns && r < tile.rows;
    scratch.store_if<float>(mine, (r * tile.columns + lane.column) * 4, sum);
  }
}

// Stores it in runs of contiguous numbers, each request an aligned stretch of them.
template <class Shape>
__device__ __forceinline__ void store_channel(const DirectArguments& a, const Tile& tile,
                                              const Shared& scratch,
                                              const Outputs<Shape>& outputs, int channel,
                                              const Lane& lane) {
  const bool whole = tile.columns == a.output_width;
  const int runs = whole ? 1 : tile.rows, length = whole ? tile.rows * tile.columns : tile.columns;
  const float bias = outputs.bias ? outputs.bias.load(channel) : 0.0f;
  const long long first =
      ((static_cast<long long>(tile.image) * a.outputs + channel) * a.output_height +
       tile.out_row) * a.output_width + tile.out_column;
  const Outputs<Shape> here = outputs.from(first);
  const int skew = static_cast<int>(first % kLanes);
#pragma unroll 1
  for (int run = 0; run < runs; ++run) {
    const int start = run * a.output_width;
#pragma unroll 1
    for (int window = -((skew + start) % kLanes); window < length; window += kLanes) {
      const int i = window + lane.index;
      const bool there = i >= 0 && i < length;
      const float sum = scratch.load_if<float>(there, (run * length + i) * 4);
      store_result(a, here, sum, bias, start + i, there);
    }
  }
}

template <class Shape>
__device__ __forceinline__ void finish_linear(const DirectArguments& a, const Tile& tile,
                                              const Shared& scratch,
                                              const Outputs<Shape>& outputs, int group,
                                              const Sums<Shape>& sums) {
#pragma unroll
  for (int v = 0; v < Shape::kVector; ++v) {
    const Lane lane = lane_of_warp<Shape>();
    collect<Shape>(tile, scratch, sums[v], lane);
    sync_warp();
    const int channel = output_channel<Shape>(a, group, v);
    if (channel >= 0) store_channel(a, tile, scratch, outputs, channel, lane);
    sync_warp();
  }
}

}  // namespace sparse
}  // namespace edgeprune
