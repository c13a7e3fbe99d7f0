// The kernels that are compiled: one line, one kernel, one name that is also its symbol.
#pragma once

#include "layer.h"
#include "tactic.h"
#include "vmma_instantiations.h"

// X(V, groups per warp, pixels per lane, lane split). V * groups * pixels accumulators fit into 80
// registers, before sm_80 into 64, so that half of an SM's threads are resident. With 8 outputs and
// float16 a lane reads 8 bytes of shared memory at a time, conflict-free for 16 lanes and more; lanes
// that split the list spilled.
#define EDGEPRUNE_DIRECT_V1(X, ...) \
  X(1, 4, 7, 1, __VA_ARGS__) X(1, 4, 7, 2, __VA_ARGS__) X(1, 4, 7, 4, __VA_ARGS__) \
  X(1, 4, 8, 1, __VA_ARGS__) X(1, 4, 8, 2, __VA_ARGS__) X(1, 4, 8, 4, __VA_ARGS__)
#define EDGEPRUNE_DIRECT_V2(X, ...) \
  X(2, 2, 7, 1, __VA_ARGS__) X(2, 2, 7, 2, __VA_ARGS__) X(2, 2, 7, 4, __VA_ARGS__) \
  X(2, 2, 8, 1, __VA_ARGS__) X(2, 2, 8, 2, __VA_ARGS__) X(2, 2, 8, 4, __VA_ARGS__)
#define EDGEPRUNE_DIRECT_V8(X, ...) X(8, 1, 4, 1, __VA_ARGS__)
#define EDGEPRUNE_DIRECT_V4(X, ...) \
  X(4, 1, 7, 1, __VA_ARGS__) X(4, 1, 7, 2, __VA_ARGS__) X(4, 1, 7, 4, __VA_ARGS__) \
  X(4, 1, 8, 1, __VA_ARGS__) X(4, 1, 8, 2, __VA_ARGS__) X(4, 1, 8, 4, __VA_ARGS__)

// A build that needs fewer names its own.
#if !defined(EDGEPRUNE_DIRECT_SHAPES)
#define EDGEPRUNE_DIRECT_SHAPES(X, ...)  \
  EDGEPRUNE_DIRECT_V1(X, __VA_ARGS__)    \
  EDGEPRUNE_DIRECT_V2(X, __VA_ARGS__)    \
  EDGEPRUNE_DIRECT_V4(X, __VA_ARGS__)    \
  EDGEPRUNE_DIRECT_V8(X, __VA_ARGS__)
#endif

// X(V, groups per warp, pixels per lane, lane split, type and layout)
#define EDGEPRUNE_DIRECT_KERNELS(X)      \
  EDGEPRUNE_DIRECT_SHAPES(X, f32_linear) \
  EDGEPRUNE_DIRECT_SHAPES(X, f16_linear) \
  EDGEPRUNE_DIRECT_SHAPES(X, f16_hwc8)

#define EDGEPRUNE_DIRECT_NAME(V, G, P, S, KIND) \
  edgeprune_direct_##KIND##_v##V##_g##G##_p##P##_s##S

namespace edgeprune {
namespace sparse {

#define EDGEPRUNE_ENUMERATOR(V, G, P, S, KIND) KIND##_v##V##_g##G##_p##P##_s##S,
enum class DirectKernel : int { EDGEPRUNE_DIRECT_KERNELS(EDGEPRUNE_ENUMERATOR) kCount };
#undef EDGEPRUNE_ENUMERATOR

// Numbered on from the last of these.
#define EDGEPRUNE_ENUMERATOR(P, KIND) KIND##_p##P,
enum class VmmaKernel : int {
  kBefore = static_cast<int>(DirectKernel::kCount) - 1,
  EDGEPRUNE_VMMA_KERNELS(EDGEPRUNE_ENUMERATOR) kEnd
};
#undef EDGEPRUNE_ENUMERATOR

// sparse_conv_direct on CUDA cores, sparse_conv_vmma on tensor cores.
enum class Family : int { kDirect = 0, kVmma = 1 };

struct Instantiation {
  int kernel;        // a DirectKernel or a VmmaKernel
  const char* name;  // the symbol of the kernel in a cubin
  Family family;
  DataType type;
  Layout layout;
  int vector;
  int groups_per_warp;
  int pixels_per_lane;
  int lane_split;
  int columns_per_step;  // that segments count by, see arrange.h
};

// All of them, in the order of their numbers.
const Instantiation* instantiations();
int instantiation_count();

// The one that serves these, or null.
const Instantiation* find_instantiation(const Layer& layer, const Problem& problem,
                                        const Tactic& tactic);

}  // namespace sparse
}  // namespace edgeprune
