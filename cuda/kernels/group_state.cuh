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

class GroupState {
 public:
  static constexpr int kBounds = 8;  // one sector

  __device__ __forceinline__ explicit GroupState(const Shared& at) : at_(at) {}

  // Ends of the coming segments.
  __device__ __forceinline__ int bound(int i) const { return at_.load<int>(4 * i); }
  __device__ __forceinline__ void set_bound(int i, int end) const { at_.store<int>(4 * i, end); }

  __device__ __forceinline__ int packed() const { return at_.load<int>(32); }
  __device__ __forceinline__ int next() const { return at_.load<int>(36); }
  __device__ __forceinline__ int loaded() const { return at_.load<int>(40); }
  __device__ __forceinline__ int end() const { return at_.load<int>(44); }
  // The tile of channels that the block is at: of a warp's first group alone.
  __device__ __forceinline__ int tile() const { return at_.load<int>(48); }

  // By one lane; others read after the next barrier.
  __device__ __forceinline__ void open(int packed, int end) const {
    at_.store<int>(32, packed);
    at_.store<int>(44, end);
    set_tile(0);
  }
  __device__ __forceinline__ void set_tile(int tile) const { at_.store<int>(48, tile); }
  __device__ __forceinline__ void set_next(int next) const { at_.store<int>(36, next); }
  __device__ __forceinline__ void set_loaded(int loaded) const { at_.store<int>(40, loaded); }

 private:
  Shared at_;
};

}  // namespace sparse
}  // namespace edgeprune
