// A warp's way through the columns of one group in one tile of channels.
#pragma once

#include "group_state.cuh"
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

// Where a warp keeps what it needs of one group of V output channels.
template <class Shape>
struct Group {
  Shared ring;
  GroupState state;
  Columns<Shape>* columns;
  Sums<Shape>* sums;
};

template <class Shape>
__device__ __forceinline__ void open_group(const DirectArguments& a, const Slots& slots,
                                           const WeightArrays<Shape>& weights, int slot,
                                           const Lane& lane, const Group<Shape>& group) {
#pragma unroll
  for (int v = 0; v < Shape::kVector; ++v) {
#pragma unroll
    for (int r = 0; r < Shape::kPixels; ++r) (*group.sums)[v][r] = 0.0f;
  }
  const int packed = slots.packed(slot);
  int first = 0, end = 0;
  if (packed >= 0) {
    // One request brings where the first segments end, and most often the last.
    const Global<int> seg = weights.seg.from(packed * a.channel_tiles);
    const int bound = seg.load_if(lane.index <= a.channel_tiles, lane.index);
    first = broadcast(bound, 0);
    end = a.channel_tiles < kLanes ? broadcast(bound, a.channel_tiles)
                                   : seg.load(a.channel_tiles);
    if (lane.index > 0 && lane.index <= GroupState::kBounds) {
      group.state.set_bound(lane.index - 1, bound);
    }
    group.columns->open(weights, first, end, lane.index);
  }
  if (lane.index == 0) {
    group.state.open(packed, end);
    group.state.save(first, Columns<Shape>::chunk_of(first));
  }
}

// Where the group's segment of tile `tile` ends.
template <class Shape>
__device__ __forceinline__ int end_of_segment(const DirectArguments& a,
                                              const WeightArrays<Shape>& weights, int tile,
                                              const Lane& lane, const GroupState& state) {
  if (tile > 0 && tile % GroupState::kBounds == 0) {
    const int coming = tile + 1 + lane.index;
    if (lane.index < GroupState::kBounds && coming <= a.channel_tiles) {
      state.set_bound(lane.index, weights.seg.load(state.packed() * a.channel_tiles + coming));
    }
    sync_warp();
  }
  return state.bound(tile % GroupState::kBounds);
}

// `steps` times kSplit columns, one for each of the lanes that split the list.
template <class Shape>
__device__ __forceinline__ void multiply_steps(const DirectArguments& a, const Shared& words,
                                               const Ring<Shape>& ring, int first, int end,
                                               int steps, const Lane& lane, Sums<Shape>& sums) {
  TermsOf<Shape> terms(sums);
  int column = first + lane.split;
#pragma unroll 1
  for (int done = 0; done < steps; done += TermsOf<Shape>::kRun) {
    const int run = smaller(steps - done, TermsOf<Shape>::kRun);
#pragma unroll 1
    for (int i = 0; i < run; ++i, column += Shape::kSplit) {
      if (Shape::kSplit > 1 && column >= end) continue;
      terms.add(Inputs<Shape>(a, words, ring.offset(column) + lane.column), ring, column);
    }
    terms.flush();
  }
}

template <class Shape>
__device__ __forceinline__ void walk(const DirectArguments& a, const Shared& words,
                                     const WeightArrays<Shape>& weights, int tile,
                                     const Lane& lane, const Group<Shape>& group) {
  const int end = end_of_segment(a, weights, tile, lane, group.state);
  int next = group.state.next();
  group.columns->resume(group.state.loaded());
  while (next < end) {
    if (smaller(next + Shape::kSplit, end) > group.columns->loaded()) {
      group.columns->advance(weights, group.ring, next, group.state.end(), lane.index);
      continue;
    }
    // Whole steps; the last of a segment may leave lanes without a column.
    const int there = smaller(end, group.columns->loaded());
    const int columns = there - next;
    const int steps = there == end ? (columns + Shape::kSplit - 1) / Shape::kSplit
                                   : columns / Shape::kSplit;
    multiply_steps(a, words, Ring<Shape>(group.ring), next, end, steps, lane, *group.sums);
    next = smaller(end, next + steps * Shape::kSplit);
  }
  // Whoever still reads the state has met the others in a barrier before it is read again.
  sync_warp();
  if (lane.index == 0) group.state.save(next, group.columns->loaded());
}

}  // namespace sparse
}  // namespace edgeprune
