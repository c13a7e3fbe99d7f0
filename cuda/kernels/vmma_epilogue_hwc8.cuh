// The same for kHWC8: a lane stores four channels of a pixel, eight lanes two sectors.
#pragma once

#include "epilogue_hwc8.cuh"
#include "vmma_epilogue.cuh"

namespace edgeprune {
namespace sparse {

constexpr int kQuad = 4;  // channels that a lane stores

// Where the scratch holds a channel of the half of a pixel: two pixels fill a row of all banks, and
// rows are turned by eight banks each, so that lanes that write eight channels of four pairs of
// pixels, and lanes that read four channels each, meet in no bank.
__device__ __forceinline__ int place_hwc8(int pixel, int channel) {
  const int row = pixel / 2;
  return row * 32 + (pixel % 2 * kMmaRows + channel + 8 * row) % 32;
}

template <class Shape>
__device__ __forceinline__ void collect_hwc8(const Shared& scratch, const Strip& strip, int half,
                                             const MmaSums<Shape>& sums) {
#pragma unroll
  for (int r = 0; r < Shape::kPixels; ++r) {
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const int pixel = r * strip.across * kMmaPixels + strip.pixel() + i % 2;
      const int at = place_hwc8(pixel, strip.channel() + i / 2 * 8);
      scratch.store<float>(at * 4, sums[r][half][i]);
    }
  }
}

// Four channels whose first number, `at`, is aligned.
template <class Shape>
__device__ __forceinline__ void store_quad(const DirectArguments& a,
                                           const Outputs<Shape>& outputs, const Bits<16>& sums,
                                           int channel, int at) {
  Bits<8> before{{0u, 0u}}, after;
  if (outputs.residual) before = outputs.residual.template as<Bits<8>>().load(at / kQuad);
#pragma unroll
  for (int i = 0; i < kQuad / 2; ++i) {
    const half2 residual = as_half2(before.part[i]);
    const int first = channel + 2 * i;
    const float low = outputs.bias ? outputs.bias.load(first) : 0.0f;
    const float high = outputs.bias ? outputs.bias.load(first + 1) : 0.0f;
    after.part[i] = bits_of(
        from_f<half>(activate(a, as_float(sums.part[2 * i]) + low + low_f(residual))),
        from_f<half>(activate(a, as_float(sums.part[2 * i + 1]) + high + high_f(residual))));
  }
  outputs.y.template as<Bits<8>>().store(at / kQuad, after);
}

// The same where the group of the convolution ends among them, or begins anywhere.
template <class Shape>
__device__ __forceinline__ void store_some(const DirectArguments& a,
                                           const Outputs<Shape>& outputs, const Bits<16>& sums,
                                           int channel, int channels, int at) {
#pragma unroll
  for (int i = 0; i < kQuad; ++i) {
    if (i >= channels) break;
    const float bias = outputs.bias ? outputs.bias.load(channel + i) : 0.0f;
    store_result(a, outputs, as_float(sums.part[i]), bias, at + i, true);
  }
}

template <class Shape>
__device__ __forceinline__ void store_hwc8(const DirectArguments& a, const Tile& tile,
                                           const Shared& scratch, const Outputs<Shape>& outputs,
                                           const Strip& strip, int group, int half) {
  const long long first_row = static_cast<long long>(tile.image) * a.output_height + tile.out_row;
  const Outputs<Shape> here = outputs.from(first_row * a.output_width * a.pixel_pitch_out);
  const int width = strip.across * kMmaPixels;
  const int quads = tile.rows * width * (kMmaRows / kQuad);
#pragma unroll 1
  for (int i = strip.part * kLanes + strip.lane; i < quads; i += strip.across * kLanes) {
    const int pixel = i / kQuad, in_half = i % kQuad * kQuad;
    const int y = pixel / width, x = pixel - y * width;
    const int channel = output_channel<Shape>(a, group, half * kMmaRows + in_half);
    if (channel < 0 || x >= tile.columns) continue;
    const Bits<16> sums = scratch.load<Bits<16>>(place_hwc8(pixel, in_half) * 4);
    const int first = (y * a.output_width + tile.out_column + x) * a.pixel_pitch_out;
    const int end = (channel / a.group_outputs + 1) * a.group_outputs;
    const int channels = smaller(kQuad, end - channel);
    if (channels == kQuad && channel % kQuad == 0) {
      store_quad(a, here, sums, channel, first + channel);
    } else {
      store_some(a, here, sums, channel, channels, first + channel);
    }
    if (channel + channels == a.outputs) store_padding(a, here, first);
  }
}

}  // namespace sparse
}  // namespace edgeprune
