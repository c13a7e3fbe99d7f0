// What the kernels are written in: the device's primitives, or the host's.
#pragma once

#if defined(EDGEPRUNE_EMULATION)
#include "../emulation/cuda.h"
#else
#include "cuda_device.cuh"
#endif
#include "roles.h"

namespace edgeprune {
namespace sparse {

constexpr int kLanes = 32;

// Bits that are moved at once.
template <int BYTES>
struct alignas(BYTES) Bits {
  unsigned part[BYTES / 4];
};
template <>
struct alignas(2) Bits<2> {
  unsigned short part[1];
};

__device__ __forceinline__ int smaller(int a, int b) { return a < b ? a : b; }
__device__ __forceinline__ int larger(int a, int b) { return a > b ? a : b; }
__device__ __forceinline__ int divide_rounding_up(int a, int b) { return (a + b - 1) / b; }

}  // namespace sparse
}  // namespace edgeprune
