#include "kernels.cuh"
#include "launchers.h"

EDGEPRUNE_DIRECT_SHAPES(EDGEPRUNE_DEFINE_KERNEL, f16_hwc8)

bool edgeprune::sparse::launch_f16_hwc8(const Plan& plan, const DirectPointers& pointers,
                                       Stream stream) {
  switch (static_cast<int>(plan.kernel->kernel)) {
    EDGEPRUNE_DIRECT_SHAPES(EDGEPRUNE_LAUNCH_KERNEL, f16_hwc8)
    default: return false;
  }
}
