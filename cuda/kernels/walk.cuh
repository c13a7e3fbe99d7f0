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
    group.state.open(packed, {0, first, Columns<Shape>::chunk_of(first), end});
  }
}

// Fetches where the coming segments end, when those that are there are used up.
template <class Shape>
__device__ __forceinline__ void fetch_bounds(const DirectArguments& a,
                                             const WeightArrays<Shape>& weights, int tile,
                                             const Lane& lane, const GroupState& state) {
  if (tile == 0 || tile % GroupState::kBounds != 0) return;
  const int coming = tile + 1 + lane.index;
  if (lane.index < GroupState::kBounds && coming <= a.channel_tiles) {
    state.set_bound(lane.index, weights.seg.load(state.packed() * a.channel_tiles + coming));
  }
  sync_warp();
}

// Columns [first, end), shared out to the lanes that split the list.
template <class Shape>
__device__ __forceinline__ void multiply(const DirectArguments& a, const Shared& words,
                                         const Ring<Shape>& ring, int first, int end,
                                         Sums<Shape>& sums) {
  TermsOf<Shape> terms(sums);
#pragma unroll 1
  while (first < end) {
    const int until = smaller(end, first + TermsOf<Shape>::kRun * Shape::kSplit);
    const Lane lane = lane_of_warp<Shape>();
#pragma unroll 1
    for (int column = first + lane.split; column < until; column += Shape::kSplit) {
      terms.add(Inputs<Shape>(a, words, ring.offset(column) + lane.column), ring, column);
    }
    terms.flush();
    first = until;
  }
}

// Goes on to the tile of channels behind `tile`. Whoever still reads the state has met the others in
// a barrier before, and meets them in one before it is read again.
__device__ __forceinline__ void leave(const GroupState& state, int tile, int next) {
  sync_warp();
  if (thread_in_block() % kLanes == 0) state.move(tile + 1, next);
}

// Through the columns of the tile of channels that the group is at.
template <class Shape>
__device__ __forceinline__ void walk(const DirectArguments& a, const Shared& words,
                                     const WeightArrays<Shape>& weights, const Lane& lane,
                                     const Group<Shape>& group) {
  const Progress first = group.state.progress();
  fetch_bounds(a, weights, first.tile, lane, group.state);
  int next = first.next, tile;
#pragma unroll 1
  while (true) {
    // What is behind the sums is read again in every turn rather than kept: registers are short.
    const Progress at = group.state.progress();
    const int end = group.state.bound(at.tile % GroupState::kBounds);
    tile = at.tile;
    if (next >= end) break;
    group.columns->resume(at.loaded);
    if (smaller(next + Shape::kSplit, end) > at.loaded) {
      group.columns->advance(weights, group.ring, next, at.end, lane.index);
      if (lane.index == 0) group.state.set_loaded(group.columns->loaded());
      sync_warp();
      continue;
    }
    // Whole steps; the last of a segment may leave lanes without a column.
    const int there = smaller(end, at.loaded);
    const int until = there == end ? there : there - (there - next) % Shape::kSplit;
    multiply(a, words, Ring<Shape>(group.ring), next, until, *group.sums);
    next = until;
    sync_warp();  // before the ring is written again
  }
  leave(group.state, tile, next);
}

}  // namespace sparse
}  // namespace edgeprune
