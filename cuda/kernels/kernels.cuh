// Turns lines of the table of instantiations into kernels, and a plan into a launch of one.
#pragma once

#include "../plan/instantiations.h"
#include "direct.cuh"
#include "launchers.h"

#define EDGEPRUNE_T_f32_linear float
#define EDGEPRUNE_T_f16_linear half
#define EDGEPRUNE_T_f16_hwc8 half
#define EDGEPRUNE_LAYOUT_f32_linear Layout::kLinear
#define EDGEPRUNE_LAYOUT_f16_linear Layout::kLinear
#define EDGEPRUNE_LAYOUT_f16_hwc8 Layout::kHwc8

// Blocks that fill half of an SM: three of 256 threads from sm_80 on, two of 512 before.
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 800
#define EDGEPRUNE_THREADS 512
#define EDGEPRUNE_RESIDENT 2
#else
#define EDGEPRUNE_THREADS 256
#define EDGEPRUNE_RESIDENT 3
#endif

#define EDGEPRUNE_DEFINE_KERNEL(V, G, P, S, KIND)                                          \
  extern "C" __global__ void __launch_bounds__(EDGEPRUNE_THREADS, EDGEPRUNE_RESIDENT)      \
      EDGEPRUNE_DIRECT_NAME(V, G, P, S, KIND)(                                             \
          const edgeprune::sparse::DirectPointers pointers,                                \
          const edgeprune::sparse::DirectArguments arguments) {                            \
    using namespace edgeprune::sparse;                                                     \
    sparse_conv_direct<Shape<EDGEPRUNE_T_##KIND, V, G, P, S, EDGEPRUNE_LAYOUT_##KIND>>(    \
        pointers, arguments);                                                              \
  }

#define EDGEPRUNE_LAUNCH_KERNEL(V, G, P, S, KIND)                                          \
  case static_cast<int>(edgeprune::sparse::DirectKernel::KIND##_v##V##_g##G##_p##P##_s##S): \
    allow_shared(EDGEPRUNE_DIRECT_NAME(V, G, P, S, KIND), plan.shared_bytes);              \
    EP_LAUNCH(EDGEPRUNE_DIRECT_NAME(V, G, P, S, KIND), plan.grid, plan.block,              \
              plan.shared_bytes, stream, pointers, plan.arguments);                        \
    return true;
