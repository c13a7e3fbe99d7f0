// The functions that kernel.py calls; no exception leaves them.
#include <new>
#include <stdexcept>

#include "plan.h"

using edgeprune::Conv;
using edgeprune::Plan;

extern "C" {

// Null where there is not enough memory for the plan, or its offsets do not fit 32 bits.
void* edgeprune_sparse_plan(const Conv* conv, const int32_t* seg, const uint16_t* off,
                            const int32_t* perm, const float* values, const float* bias,
                            int64_t budget, int64_t least_work) {
  try {
    return new Plan(*conv, seg, off, perm, values, bias, budget, least_work);
  } catch (const std::exception&) {
    return nullptr;
  }
}

// 0, or 1 where there is not enough memory.
int edgeprune_sparse_run(const void* plan, const float* input, const float* residual,
                         float* output, int threads) {
  try {
    static_cast<const Plan*>(plan)->run(input, residual, output, threads);
    return 0;
  } catch (const std::exception&) {
    return 1;
  }
}

void edgeprune_sparse_free(void* plan) { delete static_cast<Plan*>(plan); }

// Floats of a vector.
int edgeprune_sparse_width() { return edgeprune::kWidth; }
}
