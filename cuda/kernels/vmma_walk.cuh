// A warp's way through the steps of 16 columns of one group of 32 output channels: gathered from
// shared memory, multiplied on tensor cores. In the terms of mma.m16n8k16, lane l gathers the four
// columns 4 * (l % 4) + i of a step for pixel l / 4 of every row.
#pragma once

#include "mma.cuh"
#include "walk.cuh"

namespace edgeprune {
namespace sparse {

constexpr int kMmaPixels = 8;
constexpr int kMmaHalves = 2;       // of the rows of a group
constexpr int kLanesOfStep = 4;     // that gather for one pixel
constexpr unsigned kNoColumns = 0xffffffffu;  // instead of two offsets, see arrange.h

// [row of the tile][half of the channels][accumulators of a lane]
template <class Shape>
using MmaSums = float[Shape::kPixels][kMmaHalves][4];

// Arrays as arrange_values() makes them.
struct StepArrays {
  Global<int> seg;
  Global<Bits<8>> off;
  Global<Bits<16>> val;
};

// What a lane needs of one step.
struct Step {
  Bits<8> offsets;
  Bits<16> rows[kMmaHalves];

  __device__ __forceinline__ int offset(int i) const {
    return static_cast<int>(offsets.part[i / 2] >> i % 2 * 16 & 0xffffu);
  }
  // The same for all lanes: each of them has its first two columns alone.
  __device__ __forceinline__ bool half() const { return offsets.part[1] == kNoColumns; }
};

__device__ __forceinline__ Step load_step(const StepArrays& arrays, int step, int lane) {
  Step loaded;
  loaded.offsets = arrays.off.load(step * kLanesOfStep + lane % kLanesOfStep);
#pragma unroll
  for (int half = 0; half < kMmaHalves; ++half) {
    loaded.rows[half] = arrays.val.load((step * kMmaHalves + half) * kLanes + lane);
  }
  return loaded;
}

// How far a warp is in its group; the next step is on its way while one is multiplied.
template <class Shape>
struct MmaGroup {
  int next;     // -1 where the warp has no group
  int bounds;   // a lane each: where the segments of this and the coming tiles end
  Step ahead;
  MmaSums<Shape> sums;
};

// Where the segments of up to 32 tiles from `tile` on end, a lane each.
__device__ __forceinline__ int bounds_from(const DirectArguments& a, const StepArrays& arrays,
                                           int packed, int tile, int lane) {
  const int last = smaller(tile + lane, a.channel_tiles - 1);
  return arrays.seg.load(packed * a.channel_tiles + last + 1);
}

template <class Shape>
__device__ __forceinline__ void open_group(const DirectArguments& a, const StepArrays& arrays,
                                           int packed, int lane, MmaGroup<Shape>* group) {
#pragma unroll
  for (int r = 0; r < Shape::kPixels; ++r) {
#pragma unroll
    for (int i = 0; i < 4 * kMmaHalves; ++i) group->sums[r][i / 4][i % 4] = 0.0f;
  }
  group->next = -1;
  group->bounds = 0;
  if (packed < 0) return;
  group->next = arrays.seg.load(packed * a.channel_tiles);
  group->bounds = bounds_from(a, arrays, packed, 0, lane);
  if (group->next < broadcast(group->bounds, kLanes - 1)) {
    group->ahead = load_step(arrays, group->next, lane);
  }
}

// `column`, of the tile, is the lane's pixel; COLUMNS are those that it gathers, 4 or 2. Of the rows
// of a tile the first ones are there, WHOLE where all are.
template <class Shape, bool WHOLE, int COLUMNS>
__device__ __forceinline__ void multiply_columns(const Shared& words, const Step& step, int column,
                                                 int rows, MmaSums<Shape>& sums) {
  static_assert(Shape::kWordHeight == 1, "a word holds all rows of a tile");
  typename Shape::Word gathered[COLUMNS];
#pragma unroll
  for (int i = 0; i < COLUMNS; ++i) {
    gathered[i] = words.template load<typename Shape::Word>((step.offset(i) + column) *
                                                            Shape::kWordBytes);
  }
#pragma unroll
  for (int r = 0; r < Shape::kPixels; ++r) {
    if (!WHOLE && r > 0 && r >= rows) break;
    unsigned b[COLUMNS / 2];
#pragma unroll
    for (int i = 0; i < COLUMNS / 2; ++i) {
      const unsigned first = gathered[2 * i].part[r / 2], second = gathered[2 * i + 1].part[r / 2];
      b[i] = r % 2 ? high_halves(first, second) : low_halves(first, second);
    }
#pragma unroll
    for (int half = 0; half < kMmaHalves; ++half) {
      if (COLUMNS == 4) {
        multiply_fragments(sums[r][half], step.rows[half], b[0], b[COLUMNS / 2 - 1]);
      } else {
        multiply_half_fragments(sums[r][half], step.rows[half], b[0]);
      }
    }
  }
}

template <class Shape, bool WHOLE>
__device__ __forceinline__ void multiply_step(const Shared& words, const Step& step, int column,
                                              int rows, MmaSums<Shape>& sums) {
  if (step.half()) {
    multiply_columns<Shape, WHOLE, 2>(words, step, column, rows, sums);
  } else {
    multiply_columns<Shape, WHOLE, 4>(words, step, column, rows, sums);
  }
}

template <class Shape, bool WHOLE>
__device__ __forceinline__ void multiply_steps(const Shared& words, const StepArrays& arrays,
                                               int until, int known, int lane, int column, int rows,
                                               MmaGroup<Shape>* group) {
#pragma unroll 1
  while (group->next < until) {
    const Step step = group->ahead;
    if (++group->next < known) group->ahead = load_step(arrays, group->next, lane);
    multiply_step<Shape, WHOLE>(words, step, column, rows, group->sums);
  }
}

template <class Shape>
__device__ __forceinline__ void walk(const DirectArguments& a, const Shared& words,
                                     const StepArrays& arrays, const Slots& slots, int slot,
                                     int tile, int lane, int column, int rows,
                                     MmaGroup<Shape>* group) {
  if (tile % kLanes == 0 && tile > 0) {
    group->bounds = bounds_from(a, arrays, slots.packed(slot), tile, lane);
    if (group->next < broadcast(group->bounds, kLanes - 1)) {
      group->ahead = load_step(arrays, group->next, lane);
    }
  }
  const int until = broadcast(group->bounds, tile % kLanes);
  const int known = broadcast(group->bounds, kLanes - 1);
  // Nothing is asked row by row where all are there.
  if (rows == Shape::kPixels) {
    multiply_steps<Shape, true>(words, arrays, until, known, lane, column, rows, group);
  } else {
    multiply_steps<Shape, false>(words, arrays, until, known, lane, column, rows, group);
  }
}

}  // namespace sparse
}  // namespace edgeprune
