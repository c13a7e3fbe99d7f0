// Runs a convolution through the emulation, for Python's ctypes.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "../emulation/launch.h"
#include "../plan/arrange.h"
#include "../plan/launch.h"
#include "../plan/lower.h"
#include "../plan/vmma.h"
#include "plan_api.h"

using namespace edgeprune;
using namespace edgeprune::sparse;

struct EdgepruneArrays {
  const int32_t* seg;
  size_t segments;
  const uint16_t* off;
  size_t columns;
  const void* val;
  const int32_t* perm;
  size_t groups;
  const float* bias;
  const void* x;
  size_t x_bytes;
  const void* residual;
  void* y;
  size_t y_bytes;
};

namespace {

struct Free {
  void operator()(void* data) const { std::free(data); }
};

// A copy that begins on a page, as the driver's do, and ends where the array does.
class DeviceArray {
 public:
  DeviceArray(const void* data, size_t bytes) {
    if (!data) return;
    void* room = nullptr;
    if (posix_memalign(&room, 4096, bytes) != 0) throw std::bad_alloc();
    data_.reset(room);
    std::memcpy(room, data, bytes);
  }
  void* get() const { return data_.get(); }
  template <class T>
  T* as() const { return static_cast<T*>(data_.get()); }

 private:
  std::unique_ptr<void, Free> data_;
};

std::string run(const Layer& layer, const Plan& plan, const EdgepruneArrays& arrays) {
  std::vector<uint16_t> lowered(arrays.columns);
  const std::string refusal =
      lower_offsets(layer, plan, arrays.off, arrays.columns, lowered.data());
  if (!refusal.empty()) return refusal;
  const std::vector<int32_t> order = make_slots(layer, plan, arrays.perm);
  const Arranged arranged = arrange_values(layer, plan, arrays.seg, arrays.segments,
                                           lowered.data(), arrays.val);
  const DeviceArray seg(arranged.seg.data(), arranged.seg.size() * sizeof(int32_t));
  const DeviceArray off(arranged.off.data(), arranged.off.size() * sizeof(uint16_t));
  const DeviceArray val(arranged.val.data(), arranged.val.size());
  const DeviceArray x(arrays.x, arrays.x_bytes);
  const DeviceArray slots(order.data(), order.size() * sizeof(int32_t));
  const DeviceArray bias(arrays.bias, static_cast<size_t>(layer.outputs) * sizeof(float));
  const DeviceArray residual(arrays.residual, arrays.y_bytes), y(arrays.y, arrays.y_bytes);
  const DirectPointers pointers{seg.as<int>(),    off.as<unsigned short>(), val.get(),
                                slots.as<int>(),  bias.as<float>(),         x.get(),
                                residual.get(),   y.get()};
  const int error = launch(plan, pointers, nullptr);
  std::memcpy(arrays.y, y.get(), arrays.y_bytes);
  if (!emulation::machine().failure.empty()) return emulation::machine().failure;
  return error == 0 ? "" : "launch failed with " + std::to_string(error);
}

}  // namespace

extern "C" int edgeprune_run(const Layer* layer, const Problem* problem, const Tactic* tactic,
                             const EdgepruneArrays* arrays, int schedule, uint64_t seed,
                             emulation::Counters* counters, char* failure, size_t length) {
  emulation::machine().options = {static_cast<emulation::Schedule>(schedule), seed};
  const Plan plan = make_plan(*layer, *problem, *tactic);
  const std::string said = plan.ok() ? run(*layer, plan, *arrays) : plan.reason;
  *counters = emulation::counters();
  harness::copy_text(said, failure, length);
  return said.empty() ? 0 : 1;
}

// A launch as the driver is asked for it: of a kernel by its name, with its two arguments as bytes.
extern "C" int edgeprune_launch(const char* kernel, const unsigned* grid, unsigned block,
                                int shared_bytes, const DirectPointers* pointers,
                                const DirectArguments* arguments, char* failure, size_t length) {
  Plan plan;
  for (int i = 0; i < instantiation_count(); ++i) {
    if (std::string(instantiations()[i].name) == kernel) plan.kernel = &instantiations()[i];
  }
  plan.reason = plan.kernel ? "" : "no such kernel";
  std::string said = plan.reason;
  if (plan.kernel) {
    std::copy_n(grid, 3, plan.grid);
    plan.block = block;
    plan.shared_bytes = shared_bytes;
    plan.arguments = *arguments;
    const int warps = static_cast<int>(block) / 32;
    plan.groups_per_block = plan.kernel->family == Family::kVmma
                                ? warps / warps_across(arguments->tile_columns)
                                : warps * plan.kernel->groups_per_warp;
    const int error = launch(plan, *pointers, nullptr);
    said = emulation::machine().failure;
    if (said.empty() && error != 0) said = "launch failed with " + std::to_string(error);
  }
  harness::copy_text(said, failure, length);
  return said.empty() ? 0 : 1;
}
