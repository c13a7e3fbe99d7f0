// Lets g++ compile the kernels and run them on the host: the twin of kernels/cuda_device.cuh.
#pragma once

#include <cmath>

#include "async_copy.h"
#include "collectives.h"
#include "half.h"
#include "launch.h"

#define __global__
#define __device__
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define __restrict__

#define EP_DYN_SMEM(name) const ::edgeprune::sparse::Shared name
#define EP_LAUNCH(kernel, grid, block, shared, stream, ...)                      \
  static_cast<void>(stream);                                                     \
  ::edgeprune::emulation::launch(grid, block, static_cast<size_t>(shared), [=] { \
    kernel(__VA_ARGS__);                                                         \
  })

namespace edgeprune {
namespace sparse {

using emulation::Global;
using emulation::Shared;
using half = emulation::Half;
using half2 = emulation::Half2;

#if defined(EDGEPRUNE_FEW_REGISTERS)
constexpr bool kFewRegisters = true;  // as before sm_80, see cuda_device.cuh
#else
constexpr bool kFewRegisters = false;
#endif
inline int thread_in_block() { return static_cast<int>(emulation::machine().current->thread); }
inline int threads_of_block() { return static_cast<int>(emulation::machine().threads); }
inline int block_x() { return static_cast<int>(emulation::machine().block[0]); }
inline int block_y() { return static_cast<int>(emulation::machine().block[1]); }
inline int block_z() { return static_cast<int>(emulation::machine().block[2]); }

inline void sync_block() { emulation::sync_block(); }
inline void sync_warp() { emulation::sync_warp(); }
inline int broadcast(int value, int lane) {
  return emulation::shuffle(0xffffffffu, value, static_cast<unsigned>(lane));
}
inline float shuffle_xor(float value, int with) {
  return emulation::shuffle_xor(0xffffffffu, value, static_cast<unsigned>(with));
}

using emulation::copy_async;
inline void commit_copies() {}
using emulation::wait_copies;

inline float as_float(unsigned bits) {
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}
inline half2 as_half2(unsigned bits) {
  return {{static_cast<uint16_t>(bits)}, {static_cast<uint16_t>(bits >> 16)}};
}

inline float to_f(float value) { return value; }
inline float to_f(half value) { return emulation::widen(value); }
template <class T>
inline T from_f(float value);
template <>
inline float from_f<float>(float value) { return value; }
template <>
inline half from_f<half>(float value) { return emulation::narrow(value); }

inline unsigned bits_of(float value) {
  unsigned bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits;
}
inline unsigned bits_of(half low, half high) {
  return low.bits | static_cast<unsigned>(high.bits) << 16;
}

inline float multiply_add(float a, float b, float c) {
  emulation::count_multiply_adds(1);
  return static_cast<float>(static_cast<double>(a) * b + c);
}
inline half2 multiply_add(half2 a, half2 b, half2 c) {
  emulation::count_multiply_adds(2);
  return {emulation::fused(a.low, b.low, c.low), emulation::fused(a.high, b.high, c.high)};
}
inline half2 twice_low(half2 value) { return {value.low, value.low}; }
inline half2 twice_high(half2 value) { return {value.high, value.high}; }
inline half2 zero_half2() { return {{0}, {0}}; }
inline float low_f(half2 value) { return emulation::widen(value.low); }
inline float high_f(half2 value) { return emulation::widen(value.high); }

}  // namespace sparse
}  // namespace edgeprune
