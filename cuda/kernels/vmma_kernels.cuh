// Turns lines of the table of instantiations for tensor cores into kernels and launches.
#pragma once

#include "../plan/instantiations.h"
#include "launchers.h"
#include "vmma.cuh"

#define EDGEPRUNE_VMMA_LAYOUT_f16_linear Layout::kLinear
#define EDGEPRUNE_VMMA_LAYOUT_f16_hwc8 Layout::kHwc8

// Blocks of 256 threads that are resident on an SM of sm_87 and later.
#define EDGEPRUNE_DEFINE_VMMA(P, KIND)                                                       \
  extern "C" __global__ void __launch_bounds__(256, P <= 4 ? 3 : 2) EDGEPRUNE_VMMA_NAME(     \
      P, KIND)(const edgeprune::sparse::DirectPointers pointers,                             \
               const edgeprune::sparse::DirectArguments arguments) {                         \
    using namespace edgeprune::sparse;                                                       \
    sparse_conv_vmma<Shape<half, 32, 1, P, 1, EDGEPRUNE_VMMA_LAYOUT_##KIND>>(pointers,       \
                                                                             arguments);     \
  }

#define EDGEPRUNE_LAUNCH_VMMA(P, KIND)                                                       \
  case static_cast<int>(edgeprune::sparse::VmmaKernel::KIND##_p##P):                         \
    allow_shared(EDGEPRUNE_VMMA_NAME(P, KIND), plan.shared_bytes);                           \
    EP_LAUNCH(EDGEPRUNE_VMMA_NAME(P, KIND), plan.grid, plan.block, plan.shared_bytes, stream, \
              pointers, plan.arguments);                                                     \
    return true;
