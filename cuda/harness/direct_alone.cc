// The kernels of kLINEAR for CUDA cores alone, with what runs them, in one unit that compiles in seconds.
#include "../kernels/f16_linear.cu"
#include "../kernels/f32_linear.cu"

#include "../emulation/launch.cc"
#include "run_api.cc"

namespace edgeprune {
namespace sparse {

bool launch_vmma_linear(const Plan&, const DirectPointers&, Stream) { return false; }
bool launch_vmma_hwc8(const Plan&, const DirectPointers&, Stream) { return false; }
bool launch_f16_hwc8(const Plan&, const DirectPointers&, Stream) { return false; }

}  // namespace sparse
}  // namespace edgeprune
