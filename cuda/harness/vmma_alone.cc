// The kernels for tensor cores alone, with all that runs them, in one unit that compiles in seconds.
#include "../kernels/vmma_hwc8.cu"
#include "../kernels/vmma_linear.cu"

#include "../emulation/launch.cc"
#include "../plan/arrange.cc"
#include "../plan/bank_order.cc"
#include "../plan/geometry.cc"
#include "../plan/instantiations.cc"
#include "../plan/lower.cc"
#include "../plan/plan.cc"
#include "../plan/tactics.cc"
#include "../plan/validity.cc"
#include "../plan/vmma_geometry.cc"
#include "../plan/vmma_tactics.cc"
#include "plan_api.cc"
#include "run_api.cc"
#include "vmma_api.cc"

namespace edgeprune {
namespace sparse {

bool launch_f32_linear(const Plan&, const DirectPointers&, Stream) { return false; }
bool launch_f16_linear(const Plan&, const DirectPointers&, Stream) { return false; }
bool launch_f16_hwc8(const Plan&, const DirectPointers&, Stream) { return false; }

}  // namespace sparse
}  // namespace edgeprune
