// Runs a plan. With the CUDA runtime in kernels/launch.cu, on the host in emulation/launch.cc; a
// library that loads cubins looks up `plan.kernel->name` and passes the same two arguments.
#pragma once

#include "arguments.h"
#include "plan.h"

namespace edgeprune {
namespace sparse {

// Queues the kernel on `stream` (a cudaStream_t). Pointers are on the device; x, val and y are
// aligned to 16 bytes. Returns 0, or the number of the CUDA error.
int launch(const Plan& plan, const DirectPointers& pointers, void* stream);

}  // namespace sparse
}  // namespace edgeprune
