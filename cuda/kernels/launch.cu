#include "../plan/launch.h"

#include "launchers.h"

int edgeprune::sparse::launch(const Plan& plan, const DirectPointers& pointers, void* stream) {
  const Stream on = static_cast<Stream>(stream);
  if (!plan.ok() || !(launch_f32_linear(plan, pointers, on) ||
                      launch_f16_linear(plan, pointers, on) ||
                      launch_f16_hwc8(plan, pointers, on) ||
                      launch_vmma_linear(plan, pointers, on) ||
                      launch_vmma_hwc8(plan, pointers, on))) {
    return static_cast<int>(cudaErrorInvalidValue);
  }
  return static_cast<int>(cudaGetLastError());
}
