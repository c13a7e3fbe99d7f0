// From fragments to outputs. A lane holds, of every row, pixels 2 * (lane % 4) and the next one for
// channels lane / 4 and lane / 4 + 8 of each half of its group. Results pass through shared memory, a
// half at a time, from where the warps of the group store them in whole sectors.
#pragma once

#include "epilogue.cuh"
#include "vmma_walk.cuh"

namespace edgeprune {
namespace sparse {

constexpr int kMmaRows = 16;

// The warp's share of the group's tile.
struct Strip {
  int lane;
  int part;      // of `across` beside each other
  int across;

  // The lane's first pixel.
  __device__ __forceinline__ int pixel() const { return part * kMmaPixels + lane % 4 * 2; }
  __device__ __forceinline__ int channel() const { return lane / 4; }
};

// Pitches of the scratch, in numbers. Odd eights from one channel to the next: eight channels of four
// pairs of pixels pass in two turns.
template <class Shape>
struct LinearScratch {
  int row;
  int channel;

  __device__ __forceinline__ explicit LinearScratch(const DirectArguments& a) {
    row = (a.tile_columns + 1) / 2 * 2;
    channel = (divide_rounding_up(Shape::kPixels * row, 8) | 1) * 8;
  }
};

template <class Shape>
__device__ __forceinline__ void collect_linear(const DirectArguments& a, const Shared& scratch,
                                               const Strip& strip, int half,
                                               const MmaSums<Shape>& sums) {
  const LinearScratch<Shape> pitch(a);
  if (strip.pixel() >= pitch.row) return;
#pragma unroll
  for (int r = 0; r < Shape::kPixels; ++r) {
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      const int at = (strip.channel() + 8 * i) * pitch.channel + r * pitch.row + strip.pixel();
      const float(&d)[4] = sums[r][half];
      scratch.store(at * 4, Bits<8>{{bits_of(d[2 * i]), bits_of(d[2 * i + 1])}});
    }
  }
}

template <class Shape>
__device__ __forceinline__ void store_linear(const DirectArguments& a, const Tile& tile,
                                             const Shared& scratch,
                                             const Outputs<Shape>& outputs, const Strip& strip,
                                             int group, int half) {
  const LinearScratch<Shape> pitch(a);
  const int length = tile.rows * tile.columns;
#pragma unroll 1
  for (int row = strip.part; row < kMmaRows; row += strip.across) {
    const int channel = output_channel<Shape>(a, group, half * kMmaRows + row);
    if (channel < 0) continue;
    const float bias = outputs.bias ? outputs.bias.load(channel) : 0.0f;
    const long long first =
        ((static_cast<long long>(tile.image) * a.outputs + channel) * a.output_height +
         tile.out_row) * a.output_width + tile.out_column;
    const Outputs<Shape> here = outputs.from(first);
    // Rows that are whole follow one another in memory: each request is an aligned stretch of them.
#pragma unroll 1
    for (int start = -static_cast<int>(first % kLanes); start < length; start += kLanes) {
      const int i = start + strip.lane;
      const bool there = i >= 0 && i < length;
      const int y = i / tile.columns, x = i - y * tile.columns;
      const float sum =
          scratch.load_if<float>(there, (row * pitch.channel + y * pitch.row + x) * 4);
      store_result(a, here, sum, bias, y * a.output_width + x, there);
    }
  }
}

}  // namespace sparse
}  // namespace edgeprune
