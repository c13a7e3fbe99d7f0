// How far a warp is in each of its groups. It lies in shared memory, behind the group's ring, because
// registers are short and it is needed once in a tile of channels.
#pragma once

#include "shape.cuh"

namespace edgeprune {
namespace sparse {

// Which group a warp's slot holds.
struct Slots {
  Global<int> slots;

  // In the order of the segments; -1 where none.
  __device__ __forceinline__ int packed(int slot) const { return slots.load(2 * slot); }
  // Of all groups of V output channels.
  __device__ __forceinline__ int channels(int slot) const { return slots.load(2 * slot + 1); }
};

// How far a group is, in one access.
struct Progress {
  int tile;    // of channels, that the block is at
  int next;    // column
  int loaded;  // columns before it are in the ring
  int end;     // of all columns
};

class GroupState {
 public:
  static constexpr int kBounds = 8;  // one sector

  __device__ __forceinline__ explicit GroupState(const Shared& at) : at_(at) {}

  // Ends of the coming segments.
  __device__ __forceinline__ int bound(int i) const { return at_.load<int>(4 * i); }
  __device__ __forceinline__ void set_bound(int i, int end) const { at_.store<int>(4 * i, end); }

  __device__ __forceinline__ Progress progress() const {
    const Bits<16> four = at_.load<Bits<16>>(32);
    return {static_cast<int>(four.part[0]), static_cast<int>(four.part[1]),
            static_cast<int>(four.part[2]), static_cast<int>(four.part[3])};
  }
  __device__ __forceinline__ int tile() const { return at_.load<int>(32); }
  __device__ __forceinline__ int packed() const { return at_.load<int>(48); }

  // By one lane; others read after the next barrier.
  __device__ __forceinline__ void open(int packed, const Progress& from) const {
    move(from.tile, from.next);
    set_loaded(from.loaded);
    at_.store<int>(44, from.end);
    at_.store<int>(48, packed);
  }
  __device__ __forceinline__ void move(int tile, int next) const {
    const Bits<8> two = {{static_cast<unsigned>(tile), static_cast<unsigned>(next)}};
    at_.store(32, two);
  }
  __device__ __forceinline__ void set_loaded(int loaded) const { at_.store<int>(40, loaded); }

 private:
  Shared at_;
};

}  // namespace sparse
}  // namespace edgeprune
