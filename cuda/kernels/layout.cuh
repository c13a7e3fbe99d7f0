// The parts of the kernel that know the layout of the tensors.
#pragma once

#include "epilogue_hwc8.cuh"
#include "spread_hwc8.cuh"
#include "stage_hwc8.cuh"

namespace edgeprune {
namespace sparse {

template <class Shape, Layout LAYOUT>
struct LayoutParts;

template <class Shape>
struct LayoutParts<Shape, Layout::kLinear> {
  using Input = Global<typename Shape::T>;

  static __device__ __forceinline__ void stage(const DirectArguments& a, const Tile& tile,
                                               const Shared& raw, const Input& x, int first,
                                               int channels) {
    stage_linear<Shape>(a, tile, raw, x, first, channels);
  }
  static __device__ __forceinline__ void spread(const DirectArguments& a, const Tile& tile,
                                                const Shared& words, const Shared& raw, int first,
                                                int channels, int place) {
    spread_linear<Shape>(a, tile, words, raw, skew_linear<Shape>(a, tile, first), channels, place);
  }
  static __device__ __forceinline__ void finish(const DirectArguments& a, const Tile& tile,
                                                const Shared& scratch,
                                                const Outputs<Shape>& outputs, int group,
                                                const Sums<Shape>& sums) {
    finish_linear(a, tile, scratch, outputs, group, sums);
  }
};

template <class Shape>
struct LayoutParts<Shape, Layout::kHwc8> {
  using Input = Global<typename Shape::T>;

  static __device__ __forceinline__ void stage(const DirectArguments& a, const Tile& tile,
                                               const Shared& raw, const Input& x, int first,
                                               int channels) {
    stage_hwc8<Shape>(a, tile, raw, x, first, channels);
  }
  static __device__ __forceinline__ void spread(const DirectArguments& a, const Tile& tile,
                                                const Shared& words, const Shared& raw, int first,
                                                int channels, int place) {
    spread_hwc8<Shape>(a, tile, words, raw, first % Shape::kCopy, channels, place);
  }
  static __device__ __forceinline__ void finish(const DirectArguments& a, const Tile& tile,
                                                const Shared&, const Outputs<Shape>& outputs,
                                                int group, const Sums<Shape>& sums) {
    finish_hwc8(a, tile, outputs, group, sums);
  }
};

template <class Shape>
using LayoutOf = LayoutParts<Shape, Shape::kLayout>;

}  // namespace sparse
}  // namespace edgeprune
