#include "launchers.h"
#include "vmma_kernels.cuh"

EDGEPRUNE_VMMA_SHAPES(EDGEPRUNE_DEFINE_VMMA, f16_linear)

bool edgeprune::sparse::launch_vmma_linear(const Plan& plan, const DirectPointers& pointers,
                                       Stream stream) {
  switch (plan.kernel->kernel) {
    EDGEPRUNE_VMMA_SHAPES(EDGEPRUNE_LAUNCH_VMMA, f16_linear)
    default: return false;
  }
}
