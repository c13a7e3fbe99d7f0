// sparse_conv_direct, on CUDA cores. A block computes one tile of outputs for several groups of V
// output channels. Tiles of CT input channels pass through shared memory; every warp walks through
// the lists of weights of its own groups, lanes beside each other along a row of the output.
#pragma once

#include "layout.cuh"

namespace edgeprune {
namespace sparse {

// The tile of input channels that a block is working on.
struct ChannelTile {
  int first;  // of the whole input
  int count;
};

__device__ __forceinline__ ChannelTile channel_tile(const DirectArguments& a, const Tile& tile,
                                                    int index) {
  const int begin = index * a.channel_tile;
  return {tile.conv_group * a.group_channels + begin,
          smaller(a.channel_tile, a.group_channels - begin)};
}

template <class Shape>
__device__ __forceinline__ void stage(const DirectArguments& a, const Tile& tile,
                                      const Shared& raw, const Global<typename Shape::T>& x,
                                      int index) {
  const ChannelTile channels = channel_tile(a, tile, index);
  LayoutOf<Shape>::stage(a, tile, raw, x, channels.first, channels.count);
  commit_copies();
}

template <class Shape>
__device__ __forceinline__ void spread(const DirectArguments& a, const Tile& tile,
                                       const Shared& words, const Shared& raw, int index) {
  const ChannelTile channels = channel_tile(a, tile, index);
  LayoutOf<Shape>::spread(a, tile, words, raw, channels.first, channels.count,
                          index * a.channel_tile % a.ring_channels);
}

__device__ __forceinline__ int warp_in_block() { return thread_in_block() / kLanes; }

// Of the warp's groups, where the block looks them up.
template <class Shape>
__device__ __forceinline__ int first_slot() {
  return (block_y() * (threads_of_block() / kLanes) + warp_in_block()) * Shape::kGroups;
}

template <class Shape>
__device__ __forceinline__ void sparse_conv_direct(const DirectPointers& p,
                                                   const DirectArguments& a) {
  EP_DYN_SMEM(shared);
  const Shared words = shared.part(0, SharedRole::kWords);
  const Shared raw = shared.part(a.raw_offset, SharedRole::kRaw);
  const KeptTile kept(shared.part(a.tile_offset, SharedRole::kTile));
  const Slots slots{{p.slots, GlobalRole::kSlots}};
  const Global<typename Shape::T> x(p.x, GlobalRole::kInput);
  const WeightArrays<Shape> weights{{p.seg, GlobalRole::kSegments},
                                    {p.off, GlobalRole::kOffsets},
                                    {p.val, GlobalRole::kValues}};

  const Tile tile = tile_of_block<Shape>(a);
  if (thread_in_block() == 0) kept.store(tile);
  stage<Shape>(a, tile, raw, x, 0);
  Columns<Shape> columns[Shape::kGroups];
  Sums<Shape> sums[Shape::kGroups];
  const auto group = [&](int g) {
    const Shared at = shared.part(
        a.columns_offset + warp_in_block() * a.columns_bytes + g * Shape::kGroupBytes,
        SharedRole::kColumns);
    const Shared state = at.part(Shape::kRingBytes, SharedRole::kState);
    return Group<Shape>{at, GroupState(state), &columns[g], &sums[g]};
  };
  // Of the warp's first group, whether there is one or not.
  const auto tile_now = [&] { return group(0).state.tile(); };
#pragma unroll
  for (int g = 0; g < Shape::kGroups; ++g) {
    open_group(a, slots, weights, first_slot<Shape>() + g, lane_of_warp<Shape>(), group(g));
  }
#pragma unroll 1
  do {
    wait_copies();
    sync_block();
    spread<Shape>(a, kept.load(), words, raw, tile_now());
    sync_block();
    const int now = tile_now();
    if (now + 1 < a.channel_tiles) stage<Shape>(a, kept.load(), raw, x, now + 1);
#pragma unroll
    for (int g = 0; g < Shape::kGroups; ++g) {
      if (group(g).state.packed() >= 0) {
        walk(a, words, weights, lane_of_warp<Shape>(), group(g));
      } else if (g == 0) {
        leave(group(g).state, tile_now(), 0);
      }
    }
    sync_warp();
  } while (tile_now() < a.channel_tiles);
  // Nothing is staged any more: raw is free for results.
  const Shared scratch =
      shared.part(a.raw_offset + warp_in_block() * a.scratch_bytes, SharedRole::kScratch);
  const Outputs<Shape> outputs{{p.bias, GlobalRole::kBias},
                               {p.residual, GlobalRole::kResidual},
                               {p.y, GlobalRole::kOutput}};
#pragma unroll
  for (int g = 0; g < Shape::kGroups; ++g) {
    if (group(g).state.packed() < 0) continue;
    LayoutOf<Shape>::finish(a, kept.load(), scratch, outputs,
                            slots.channels(first_slot<Shape>() + g), sums[g]);
  }
}

}  // namespace sparse
}  // namespace edgeprune
