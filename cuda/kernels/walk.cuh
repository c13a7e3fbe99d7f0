// A warp's way through the columns of one group in one tile of channels.
#pragma once

#include "terms.cuh"

namespace edgeprune {
namespace sparse {

// Which lane of its warp this is, which output column it has, and which share of the weights.
struct Lane {
  int index;
  int column;
  int split;
};

template <class Shape>
__device__ __forceinline__ Lane lane_of_warp() {
  const int index = thread_in_block() % kLanes;
  return {index, index % Shape::kColumns, index / Shape::kColumns};
}

// One group of V output channels: where its columns are, and what they have summed up to.
template <class Shape>
struct Group {
  int slot;      // where it is looked up, rather than kept: registers are short
  int next;      // the column that comes next; -1 where the warp has no group here
  int bounds;    // a lane each: where the coming segments end
  Columns<Shape> columns;
  Sums<Shape> sums;
};

struct Slots {
  Global<int> slots;

  // Which group it is in the order of the segments; -1 where none.
  __device__ __forceinline__ int packed(int slot) const { return slots.load(2 * slot); }
  // Which group of output channels.
  __device__ __forceinline__ int channels(int slot) const { return slots.load(2 * slot + 1); }
};

template <class Shape>
__device__ __forceinline__ void open_group(const DirectArguments& a, const Slots& slots,
                                           const WeightArrays<Shape>& weights, const Shared& ring,
                                           int slot, const Lane& lane, Group<Shape>* group) {
#pragma unroll
  for (int v = 0; v < Shape::kVector; ++v) {
#pragma unroll
    for (int r = 0; r < Shape::kPixels; ++r) group->sums[v][r] = 0.0f;
  }
  group->slot = slot;
  group->next = -1;
  group->bounds = 0;
  const int packed = slots.packed(slot);
  if (packed < 0) return;
  const int first = packed * a.channel_tiles;
  group->next = weights.seg.load(first);
  const int end = weights.seg.load(first + a.channel_tiles);
  group->columns.open(weights, ring, group->next, end, lane.index);
}

// Where the group's segment of tile `tile` ends.
template <class Shape>
__device__ __forceinline__ int end_of_segment(const DirectArguments& a, const Slots& slots,
                                              const WeightArrays<Shape>& weights, int tile,
                                              const Lane& lane, Group<Shape>* group) {
  if (tile % kLanes == 0) {
    const int coming = tile + 1 + lane.index;
    if (coming <= a.channel_tiles) {
      group->bounds = weights.seg.load(slots.packed(group->slot) * a.channel_tiles + coming);
    }
  }
  return broadcast(group->bounds, tile % kLanes);
}

// `steps` times kSplit columns, one for each of the lanes that split the list.
template <class Shape>
__device__ __forceinline__ void multiply_steps(const DirectArguments& a, const Shared& words,
                                               int first, int end, int steps, const Lane& lane,
                                               Group<Shape>* group) {
  TermsOf<Shape> terms(group->sums);
  int column = first + lane.split;
#pragma unroll 1
  for (int done = 0; done < steps; done += TermsOf<Shape>::kRun) {
    const int run = smaller(steps - done, TermsOf<Shape>::kRun);
#pragma unroll 1
    for (int i = 0; i < run; ++i, column += Shape::kSplit) {
      if (Shape::kSplit > 1 && column >= end) continue;
      const int at = group->columns.offset(column) + lane.column;
      terms.add(Inputs<Shape>(a, words, at), group->columns, column);
    }
    terms.flush();
  }
}

template <class Shape>
__device__ __forceinline__ void walk(const DirectArguments& a, const Shared& words,
                                     const Slots& slots, const WeightArrays<Shape>& weights,
                                     int tile,
                                     const Lane& lane, Group<Shape>* group) {
  const int end = end_of_segment(a, slots, weights, tile, lane, group);
  while (group->next < end) {
    if (smaller(group->next + Shape::kSplit, end) > group->columns.loaded()) {
      group->columns.advance(weights, group->next, lane.index);
      continue;
    }
    // Whole steps; the last of a segment may leave lanes without a column.
    const int there = smaller(end, group->columns.loaded());
    const int columns = there - group->next;
    const int steps = there == end ? (columns + Shape::kSplit - 1) / Shape::kSplit
                                   : columns / Shape::kSplit;
    multiply_steps(a, words, group->next, end, steps, lane, group);
    group->next = smaller(end, group->next + steps * Shape::kSplit);
  }
}

}  // namespace sparse
}  // namespace edgeprune
