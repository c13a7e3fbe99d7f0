// The launch of a plan through CUDA's driver, with the kernels that the library holds.
#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "cubins.h"
#include "device.h"
#include "driver_api.h"
#include "plan/launch.h"

namespace edgeprune {
namespace plugin {
namespace device {

const Cubin* choose_cubin(const Cubins& cubins, int sm) {
  const Cubin* best = nullptr;
  for (int i = 0; i < cubins.count; ++i) {
    const Cubin& cubin = cubins.all[i];
    if (cubin.sm / 10 != sm / 10 || cubin.sm > sm) continue;
    if (best == nullptr || cubin.sm > best->sm) best = &cubin;
  }
  return best;
}

namespace {

constexpr int kMaximumDynamicShared = 8;  // CUfunction_attribute

// Blocks of more than 48 KB of shared memory are an attribute of the kernel.
int allow_shared(const DriverApi& api, void* function, int bytes) {
  if (bytes <= 48 * 1024) return 0;
  return api.cuFuncSetAttribute(function, kMaximumDynamicShared, bytes);
}

// Functions by context and kernel. Modules live as long as their contexts.
class Functions {
 public:
  int find(const DriverApi& api, const char* kernel, void** function) {
    void* context = nullptr;
    int error = api.cuCtxGetCurrent(&context);
    if (error != 0) return error;
    const std::lock_guard<std::mutex> lock(mutex_);
    void*& known = functions_[{context, kernel}];
    if (known == nullptr) {
      void* module = nullptr;
      error = load(api, context, &module);
      if (error == 0) error = api.cuModuleGetFunction(&known, module, kernel);
    }
    *function = known;
    return error;
  }

 private:
  int load(const DriverApi& api, void* context, void** module) {
    void*& known = modules_[context];
    if (known == nullptr) {
      const Cubin* cubin = choose_cubin(embedded_cubins(), compute_capability());
      if (cubin == nullptr) return kNoCubin;
      const int error = api.cuModuleLoadData(&known, cubin->image);
      if (error != 0) return error;
    }
    *module = known;
    return 0;
  }

  std::mutex mutex_;
  std::map<void*, void*> modules_;
  std::map<std::pair<void*, std::string>, void*> functions_;
};

Functions& functions() {
  static Functions all;
  return all;
}

}  // namespace
}  // namespace device
}  // namespace plugin

int sparse::launch(const Plan& plan, const DirectPointers& pointers, void* stream) {
  using namespace plugin::device;
  const DriverApi* api = driver_api();
  if (api == nullptr) return kNoDriver;
  void* function = nullptr;
  int error = functions().find(*api, plan.kernel->name, &function);
  if (error == 0) error = allow_shared(*api, function, plan.shared_bytes);
  if (error != 0) return error;
  DirectPointers first = pointers;
  DirectArguments second = plan.arguments;
  void* parameters[] = {&first, &second};
  return api->cuLaunchKernel(function, plan.grid[0], plan.grid[1], plan.grid[2], plan.block, 1, 1,
                             static_cast<unsigned>(plan.shared_bytes), stream, parameters, nullptr);
}

}  // namespace edgeprune
