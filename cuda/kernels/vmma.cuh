// sparse_conv_vmma, on tensor cores. A block computes one tile of outputs for several groups of 32
// output channels; tiles of CT input channels pass through shared memory as in direct.cuh. Warps lie
// beside each other along the row, each with 8 of its columns; where there are more of them, they
// work on the next group.
#pragma once

#include "direct.cuh"
#include "vmma_epilogue_hwc8.cuh"

namespace edgeprune {
namespace sparse {

template <class Shape>
__device__ __forceinline__ void finish_half(const DirectArguments& a, const Tile& tile,
                                            const Shared& scratch,
                                            const Outputs<Shape>& outputs, const Strip& strip,
                                            int group, int half, const MmaSums<Shape>& sums) {
  constexpr bool kHwc8 = Shape::kLayout == Layout::kHwc8;
  if (group >= 0) {
    if (kHwc8) collect_hwc8<Shape>(scratch, strip, half, sums);
    else collect_linear<Shape>(a, scratch, strip, half, sums);
  }
  sync_block();
  if (group >= 0) {
    if (kHwc8) store_hwc8(a, tile, scratch, outputs, strip, group, half);
    else store_linear(a, tile, scratch, outputs, strip, group, half);
  }
  sync_block();
}

template <class Shape>
__device__ __forceinline__ void sparse_conv_vmma(const DirectPointers& p,
                                                 const DirectArguments& a) {
  EP_DYN_SMEM(shared);
  const Shared words = shared.part(0, SharedRole::kWords);
  const Shared raw = shared.part(a.raw_offset, SharedRole::kRaw);
  const KeptTile kept(shared.part(a.tile_offset, SharedRole::kTile));
  const Slots slots{{p.slots, GlobalRole::kSlots}};
  const Global<half> x(p.x, GlobalRole::kInput);
  const StepArrays arrays{{p.seg, GlobalRole::kSegments},
                          {p.off, GlobalRole::kOffsets},
                          {p.val, GlobalRole::kValues}};
  const int warp = thread_in_block() / kLanes;
  const int across = divide_rounding_up(a.tile_columns, kMmaPixels);
  const int groups = threads_of_block() / kLanes / across, of_block = warp / across;
  const Strip strip{thread_in_block() % kLanes, warp % across, across};
  const int column = strip.part * kMmaPixels + strip.lane / kLanesOfStep;
  const int slot = block_y() * groups + of_block;

  const Tile tile = tile_of_block<Shape>(a);
  if (thread_in_block() == 0) kept.store(tile);
  stage<Shape>(a, tile, raw, x, 0);
  MmaGroup<Shape> group;
  // Beside the output there is nothing to multiply, but to stage and to store.
  const bool multiplies = strip.part * kMmaPixels < tile.columns;
  open_group(a, arrays, multiplies ? slots.packed(slot) : -1, strip.lane, &group);
#pragma unroll 1
  for (int index = 0; index < a.channel_tiles; ++index) {
    wait_copies();
    sync_block();
    spread<Shape>(a, kept.load(), words, raw, index);
    sync_block();
    if (index + 1 < a.channel_tiles) stage<Shape>(a, kept.load(), raw, x, index + 1);
    if (group.next >= 0) {
      walk(a, words, arrays, slots, slot, index, strip.lane, column, kept.rows(), &group);
    }
  }
  // Nothing is staged or gathered any more: both are free for results.
  sync_block();
  const Shared scratch = shared.part(of_block * a.scratch_bytes, SharedRole::kScratch);
  const Outputs<Shape> outputs{{p.bias, GlobalRole::kBias},
                               {p.residual, GlobalRole::kResidual},
                               {p.y, GlobalRole::kOutput}};
  const int channels = slots.channels(slot);
#pragma unroll
  for (int half = 0; half < kMmaHalves; ++half) {
    finish_half<Shape>(a, kept.load(), scratch, outputs, strip, channels, half, group.sums);
  }
}

}  // namespace sparse
}  // namespace edgeprune
