// The weights of one group, on their way from global memory through a ring in shared memory to all
// lanes of a warp. Chunks of 32 columns, or 16 of 32 bytes, are fetched once each, in whole sectors;
// one chunk ahead where registers allow.
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

// A column's V values, or the part of them that one access moves.
template <class Shape>
using PieceOf = Bits<(Shape::kValueBytes <= 16 ? Shape::kValueBytes : 16)>;

// What the inner loop reads: columns from wherever the ring holds them.
template <class Shape>
class Ring {
 public:
  __device__ __forceinline__ explicit Ring(const Shared& at) : at_(at) {}

  __device__ __forceinline__ int offset(int column) const {
    return at_.template load<unsigned short>(Shape::kRing * Shape::kValueBytes +
                                             column % Shape::kRing * 2);
  }

  // Piece i of a column's values.
  __device__ __forceinline__ PieceOf<Shape> values(int column, int i) const {
    return at_.template load<PieceOf<Shape>>(column % Shape::kRing * Shape::kValueBytes +
                                             i * static_cast<int>(sizeof(PieceOf<Shape>)));
  }

 private:
  Shared at_;
};

// What a warp fetches of one group.
template <class Shape>
class Columns {
 public:
  // The first chunk that holds column `first`.
  static __device__ __forceinline__ int chunk_of(int first) {
    return first / Shape::kChunk * Shape::kChunk;
  }

  // Begins with a group whose columns are [first, end).
  __device__ __forceinline__ void open(const WeightArrays<Shape>& weights, int first, int end,
                                       int lane) {
    resume(chunk_of(first));
    if (kAhead) fetch(weights, first, end, lane);
  }

  // Goes on with a group of which columns before `loaded` are in the ring.
  __device__ __forceinline__ void resume(int loaded) { loaded_ = loaded; }

  __device__ __forceinline__ int loaded() const { return loaded_; }

  // Puts the next chunk into the ring, which no lane of the warp reads any more; columns before `from`
  // are not needed, and the group ends at `end`.
  __device__ __forceinline__ void advance(const WeightArrays<Shape>& weights, const Shared& ring,
                                          int from, int end, int lane) {
    if (!kAhead) fetch(weights, from, end, lane);
    put(ring, lane);
    loaded_ += Shape::kChunk;
    sync_warp();
    if (kAhead) fetch(weights, loaded_, end, lane);
  }

 private:
  static constexpr int kPiece = static_cast<int>(sizeof(PieceOf<Shape>));
  static constexpr int kPieces = Shape::kValueBytes / kPiece;       // of a column
  static constexpr int kOwn = Shape::kChunk * kPieces / kLanes;     // of a chunk, each lane's
  using Piece = PieceOf<Shape>;
  static constexpr bool kAhead =
      Shape::kGroups == 1 && (!kFewRegisters || (Shape::kVector <= 4 && Shape::kSize == 4));

  static __device__ __forceinline__ bool has_offset(int lane) {
    return Shape::kChunk == kLanes || lane < Shape::kChunk;
  }

  __device__ __forceinline__ void fetch(const WeightArrays<Shape>& weights, int from, int end,
                                        int lane) {
    const int column = loaded_ + lane;
    // Nothing of the chunk before is kept: registers are short.
    off_ = weights.off.load_if(has_offset(lane) && column >= from && column < end, column);
#pragma unroll
    for (int i = 0; i < kOwn; ++i) {
      const int piece = lane + i * kLanes, owner = loaded_ + piece / kPieces;
      val_[i] = weights.val.template as<Piece>().load_if(owner >= from && owner < end,
                                                         loaded_ * kPieces + piece);
    }
  }

  __device__ __forceinline__ void put(const Shared& ring, int lane) const {
    const int slot = loaded_ % Shape::kRing;
    ring.template store_if<unsigned short>(
        has_offset(lane), Shape::kRing * Shape::kValueBytes + (slot + lane) * 2, off_);
#pragma unroll
    for (int i = 0; i < kOwn; ++i) {
      ring.store(slot * Shape::kValueBytes + (lane + i * kLanes) * kPiece, val_[i]);
    }
  }

  int loaded_ = 0;
  unsigned short off_ = 0;   // fetched, not yet in the ring
  Piece val_[kOwn] = {};
};

}  // namespace sparse
}  // namespace edgeprune
