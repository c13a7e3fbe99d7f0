// The weights of one group, on their way from global memory through a ring in shared memory to all
// lanes of a warp. Chunks of 32 columns are fetched once each, in whole sectors; one chunk ahead where
// registers allow.
#pragma once

#include "shape.cuh"

namespace edgeprune {
namespace sparse {

template <class Shape>
struct WeightArrays {
  Global<int> seg;
  Global<unsigned short> off;
  Global<typename Shape::T> val;
};

template <class Shape>
class Columns {
 public:
  // The first `from` is the group's first column.
  __device__ __forceinline__ void open(const WeightArrays<Shape>& weights, const Shared& ring,
                                       int from, int end, int lane) {
    ring_ = ring.part(0, SharedRole::kColumns);
    end_ = end;
    loaded_ = from / Shape::kChunk * Shape::kChunk;
    if (kAhead) fetch(weights, from, lane);
  }

  // Columns before this one are in the ring.
  __device__ __forceinline__ int loaded() const { return loaded_; }

  // Puts the next chunk into the ring; columns before `from` are not needed any more.
  __device__ __forceinline__ void advance(const WeightArrays<Shape>& weights, int from,
                                          int lane) {
    if (!kAhead) fetch(weights, from, lane);
    sync_warp();
    put(lane);
    loaded_ += Shape::kChunk;
    sync_warp();
    if (kAhead) fetch(weights, loaded_, lane);
  }

  __device__ __forceinline__ int offset(int column) const {
    return ring_.template load<unsigned short>(Shape::kRing * Shape::kValueBytes +
                                               column % Shape::kRing * 2);
  }

  // Part i of a column's V values.
  __device__ __forceinline__ Bits<Shape::kValueBytes <= 16 ? Shape::kValueBytes : 16> values(
      int column, int i) const {
    return ring_.template load<Piece>(column % Shape::kRing * Shape::kValueBytes + i * kPiece);
  }

 private:
  static constexpr int kPiece = Shape::kValueBytes <= 16 ? Shape::kValueBytes : 16;
  static constexpr int kPieces = Shape::kValueBytes / kPiece;  // of a column
  using Piece = Bits<kPiece>;
  static constexpr bool kAhead = Shape::kGroups == 1 && kPieces == 1;

  __device__ __forceinline__ void fetch(const WeightArrays<Shape>& weights, int from, int lane) {
    const int column = loaded_ + lane;
    if (column >= from && column < end_) off_ = weights.off.load(column);
#pragma unroll
    for (int i = 0; i < kPieces; ++i) {
      const int piece = lane + i * kLanes, owner = loaded_ + piece / kPieces;
      if (owner >= from && owner < end_) {
        val_[i] = weights.val.template as<Piece>().load(
            static_cast<long long>(loaded_) * kPieces + piece);
      }
    }
  }

  __device__ __forceinline__ void put(int lane) const {
    const int slot = loaded_ % Shape::kRing;
    ring_.template store<unsigned short>(Shape::kRing * Shape::kValueBytes + (slot + lane) * 2,
                                         off_);
#pragma unroll
    for (int i = 0; i < kPieces; ++i) {
      ring_.store(slot * Shape::kValueBytes + (lane + i * kLanes) * kPiece, val_[i]);
    }
  }

  Shared ring_;
  int loaded_ = 0;
  int end_ = 0;
  unsigned short off_ = 0;   // fetched, not yet in the ring
  Piece val_[kPieces] = {};
};

}  // namespace sparse
}  // namespace edgeprune
