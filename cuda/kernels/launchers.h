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
#else
using Stream = cudaStream_t;
#endif

bool launch_f32_linear(const Plan& plan, const DirectPointers& pointers, Stream stream);
bool launch_f16_linear(const Plan& plan, const DirectPointers& pointers, Stream stream);
bool launch_f16_hwc8(const Plan& plan, const DirectPointers& pointers, Stream stream);

}  // namespace sparse
}  // namespace edgeprune
