// The kernels for tensor cores that are compiled: one line, one kernel, one name that is also its
// symbol.
#pragma once

// X(rows of a tile). 8 accumulators a row: with 4 rows half of an SM's threads are resident, with 7
// and 8 a third, and a weight that is loaded serves as many pixels more.
#define EDGEPRUNE_VMMA_SHAPES(X, ...) X(4, __VA_ARGS__) X(7, __VA_ARGS__) X(8, __VA_ARGS__)

// X(rows of a tile, type and layout)
#define EDGEPRUNE_VMMA_KERNELS(X)      \
  EDGEPRUNE_VMMA_SHAPES(X, f16_linear) \
  EDGEPRUNE_VMMA_SHAPES(X, f16_hwc8)

#define EDGEPRUNE_VMMA_NAME(P, KIND) edgeprune_vmma_##KIND##_v32_p##P
