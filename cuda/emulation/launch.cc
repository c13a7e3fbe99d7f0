// The launch of a plan on the host: arrays are where the pointers say, and every access is checked.
#include "../plan/launch.h"

#include "../kernels/launchers.h"
#include "launch.h"

namespace edgeprune {
namespace sparse {
namespace {

void allow(const void* begin, size_t bytes, bool writable = false) {
  if (begin) emulation::extents().push_back({static_cast<const char*>(begin), bytes, writable});
}

size_t tensor_bytes(const Plan& plan, int channels, int padded_channels, int height, int width) {
  const bool linear = plan.kernel->layout == Layout::kLinear;
  return static_cast<size_t>(plan.arguments.batch) * height * width *
         (linear ? channels : padded_channels) * size_of(plan.kernel->type);
}

void allow_arrays(const Plan& plan, const DirectPointers& p) {
  const DirectArguments& a = plan.arguments;
  const size_t rows = divide_up(a.group_outputs, plan.kernel->vector);
  const size_t segments = rows * (a.outputs / a.group_outputs) * a.channel_tiles;
  const size_t columns =
      static_cast<size_t>(p.seg[segments]) * plan.kernel->columns_per_step;
  const size_t slots = static_cast<size_t>(plan.grid[1]) * plan.groups_per_block;
  const size_t output =
      tensor_bytes(plan, a.outputs, a.pixel_pitch_out, a.output_height, a.output_width);
  emulation::extents().clear();
  allow(p.seg, (segments + 1) * sizeof(int));
  allow(p.off, columns * sizeof(unsigned short));
  allow(p.val, columns * plan.kernel->vector * size_of(plan.kernel->type));
  allow(p.slots, 2 * slots * sizeof(int));
  allow(p.bias, a.outputs * sizeof(float));
  allow(p.x, tensor_bytes(plan, a.channels, a.pixel_pitch_in, a.height, a.width));
  allow(p.residual, output);
  allow(p.y, output, true);
}

}  // namespace

int launch(const Plan& plan, const DirectPointers& pointers, void* stream) {
  constexpr int kInvalidValue = 1, kLaunchFailure = 719;  // as cudaError has them
  if (!plan.ok()) return kInvalidValue;
  allow_arrays(plan, pointers);
  if (!(launch_f32_linear(plan, pointers, stream) || launch_f16_linear(plan, pointers, stream) ||
        launch_f16_hwc8(plan, pointers, stream) || launch_vmma_linear(plan, pointers, stream) ||
        launch_vmma_hwc8(plan, pointers, stream))) {
    return kInvalidValue;
  }
  return emulation::machine().failure.empty() ? 0 : kLaunchFailure;
}

}  // namespace sparse
}  // namespace edgeprune
