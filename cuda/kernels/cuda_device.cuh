// The device's primitives under the names that the kernels use: the twin of emulation/cuda.h.
#pragma once

#include <cuda_fp16.h>

#include "roles.h"

#define EP_DYN_SMEM(name)                                       \
  extern __shared__ __align__(16) unsigned char name##_bytes[]; \
  const ::edgeprune::sparse::Shared name(name##_bytes)
#define EP_LAUNCH(kernel, grid, block, shared, stream, ...) \
  kernel<<<dim3(grid[0], grid[1], grid[2]), block, shared, stream>>>(__VA_ARGS__)

namespace edgeprune {
namespace sparse {

// Shared memory from some byte on.
class Shared {
 public:
  __device__ __forceinline__ explicit Shared(unsigned char* data = nullptr) : data_(data) {}
  __device__ __forceinline__ Shared part(int bytes, SharedRole) const {
    return Shared(data_ + bytes);
  }
  template <class T>
  __device__ __forceinline__ T load(int byte) const {
    return *reinterpret_cast<const T*>(data_ + byte);
  }
  template <class T>
  __device__ __forceinline__ void store(int byte, T value) const {
    *reinterpret_cast<T*>(data_ + byte) = value;
  }
  // Only where `there`; elsewhere the load gives zero bits.
  template <class T>
  __device__ __forceinline__ T load_if(bool there, int byte) const {
    return there ? load<T>(byte) : T{};
  }
  template <class T>
  __device__ __forceinline__ void store_if(bool there, int byte, T value) const {
    if (there) store(byte, value);
  }
  __device__ __forceinline__ unsigned address(int byte) const {
    return static_cast<unsigned>(__cvta_generic_to_shared(data_ + byte));
  }

 private:
  unsigned char* data_;
};

template <class T>
class Global {
 public:
  __device__ __forceinline__ Global(const void* data, GlobalRole role)
      : data_(static_cast<const T*>(data)), role_(role) {}
  __device__ __forceinline__ explicit operator bool() const { return data_ != nullptr; }
  // The same array from some number on.
  __device__ __forceinline__ Global from(long long first) const {
    return Global(data_ + first, role_);
  }
  __device__ __forceinline__ T load(int index) const { return data_[index]; }
  __device__ __forceinline__ void store(int index, T value) const {
    const_cast<T*>(data_)[index] = value;
  }
  __device__ __forceinline__ T load_if(bool there, int index) const {
    return there ? load(index) : T{};
  }
  __device__ __forceinline__ void store_if(bool there, int index, T value) const {
    if (there) store(index, value);
  }
  template <class U>
  __device__ __forceinline__ Global<U> as() const {
    return Global<U>(data_, role_);
  }
  __device__ __forceinline__ const T* data() const { return data_; }

 private:
  const T* data_;
  GlobalRole role_;
};

// Before sm_80, 64 registers of a thread fill half of an SM with threads; from there on 80.
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 800
constexpr bool kFewRegisters = true;
#else
constexpr bool kFewRegisters = false;
#endif

// Where registers are short it is read again wherever it is used, and nothing that is made of it is
// kept from one loop to the next.
__device__ __forceinline__ int thread_in_block() {
#if __CUDA_ARCH__ >= 800
  return static_cast<int>(threadIdx.x);
#else
  int thread;
  asm volatile("mov.u32 %0, %%tid.x;" : "=r"(thread));
  return thread;
#endif
}
__device__ __forceinline__ int threads_of_block() { return static_cast<int>(blockDim.x); }
__device__ __forceinline__ int block_x() { return static_cast<int>(blockIdx.x); }
__device__ __forceinline__ int block_y() { return static_cast<int>(blockIdx.y); }
__device__ __forceinline__ int block_z() { return static_cast<int>(blockIdx.z); }

__device__ __forceinline__ void sync_block() { __syncthreads(); }
__device__ __forceinline__ void sync_warp() { __syncwarp(); }
__device__ __forceinline__ int broadcast(int value, int lane) {
  return __shfl_sync(0xffffffffu, value, lane);
}
__device__ __forceinline__ float shuffle_xor(float value, int with) {
  return __shfl_xor_sync(0xffffffffu, value, with);
}

// Copies the first `bytes` of 16 and makes the rest zero, or does nothing where they are 0. Plans ask for it from sm_80 on.
template <class T>
__device__ __forceinline__ void copy_async(const Shared& to, int byte, const Global<T>& from,
                                           int index, int bytes) {
#if __CUDA_ARCH__ >= 800
  if (bytes == 0) return;
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to.address(byte)),
               "l"(from.data() + index), "r"(bytes)
               : "memory");
#endif
}
__device__ __forceinline__ void commit_copies() {
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}
__device__ __forceinline__ void wait_copies() {
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.wait_group 0;" ::: "memory");
#endif
}

__device__ __forceinline__ float as_float(unsigned bits) { return __uint_as_float(bits); }
__device__ __forceinline__ half2 as_half2(unsigned bits) {
  return *reinterpret_cast<const half2*>(&bits);
}

__device__ __forceinline__ float to_f(float value) { return value; }
__device__ __forceinline__ float to_f(half value) { return __half2float(value); }
template <class T>
__device__ __forceinline__ T from_f(float value);
template <>
__device__ __forceinline__ float from_f<float>(float value) { return value; }
template <>
__device__ __forceinline__ half from_f<half>(float value) { return __float2half_rn(value); }

__device__ __forceinline__ unsigned bits_of(float value) { return __float_as_uint(value); }
__device__ __forceinline__ unsigned bits_of(half low, half high) {
  const half2 pair = __halves2half2(low, high);
  return *reinterpret_cast<const unsigned*>(&pair);
}

__device__ __forceinline__ float multiply_add(float a, float b, float c) { return fmaf(a, b, c); }
__device__ __forceinline__ half2 multiply_add(half2 a, half2 b, half2 c) {
  return __hfma2(a, b, c);
}
__device__ __forceinline__ half2 twice_low(half2 value) { return __low2half2(value); }
__device__ __forceinline__ half2 twice_high(half2 value) { return __high2half2(value); }
__device__ __forceinline__ half2 zero_half2() { return __float2half2_rn(0.0f); }
__device__ __forceinline__ float low_f(half2 value) { return __low2float(value); }
__device__ __forceinline__ float high_f(half2 value) { return __high2float(value); }

}  // namespace sparse
}  // namespace edgeprune
