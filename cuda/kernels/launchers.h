// The launchers, one for each file of kernels: true where the plan's kernel is theirs.
#pragma once

#include "../plan/arguments.h"
#include "../plan/plan.h"

#if !defined(EDGEPRUNE_EMULATION)
#include <cuda_runtime_api.h>
#endif

namespace edgeprune {
namespace sparse {

#if defined(EDGEPRUNE_EMULATION)
using Stream = void*;

template <class Kernel>
inline void allow_shared(Kernel*, int) {}
#else
using Stream = cudaStream_t;

// Blocks of more than 48 KB of shared memory are an attribute of the kernel.
template <class Kernel>
inline void allow_shared(Kernel* kernel, int bytes) {
  if (bytes <= 48 * 1024) return;
  cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel),
                       cudaFuncAttributeMaxDynamicSharedMemorySize, bytes);
}
#endif

bool launch_f32_linear(const Plan& plan, const DirectPointers& pointers, Stream stream);
bool launch_f16_linear(const Plan& plan, const DirectPointers& pointers, Stream stream);
bool launch_f16_hwc8(const Plan& plan, const DirectPointers& pointers, Stream stream);
bool launch_vmma_linear(const Plan& plan, const DirectPointers& pointers, Stream stream);
bool launch_vmma_hwc8(const Plan& plan, const DirectPointers& pointers, Stream stream);

}  // namespace sparse
}  // namespace edgeprune
