// The device through CUDA's driver alone.
#include "device.h"
#include "driver_api.h"

namespace edgeprune {
namespace plugin {
namespace device {
namespace {

constexpr int kCapabilityMajor = 75, kCapabilityMinor = 76;  // CUdevice_attribute

int attribute(const DriverApi& api, int which) {
  int current = 0, value = 0;
  // Without a context yet it will be the first device's, as the runtime has it.
  if (api.cuCtxGetDevice(&current) != 0) current = 0;
  return api.cuDeviceGetAttribute(&value, which, current) == 0 ? value : 0;
}

unsigned long long address(void* memory) { return reinterpret_cast<unsigned long long>(memory); }

}  // namespace

int compute_capability() {
  const DriverApi* api = driver_api();
  if (api == nullptr) return 0;
  return 10 * attribute(*api, kCapabilityMajor) + attribute(*api, kCapabilityMinor);
}

int allocate(size_t bytes, void** memory) {
  const DriverApi* api = driver_api();
  if (api == nullptr) return kNoDriver;
  unsigned long long where = 0;
  const int error = api->cuMemAlloc(&where, bytes);
  *memory = reinterpret_cast<void*>(where);
  return error;
}

int release(void* memory) {
  const DriverApi* api = driver_api();
  return api == nullptr ? kNoDriver : api->cuMemFree(address(memory));
}

int upload(void* to, const void* from, size_t bytes) {
  const DriverApi* api = driver_api();
  return api == nullptr ? kNoDriver : api->cuMemcpyHtoD(address(to), from, bytes);
}

std::string error_text(int error) {
  const DriverApi* api = driver_api();
  if (error == kNoCubin) return "the library holds no kernels for this device; build it here";
  if (api == nullptr) return "no CUDA driver answers (libcuda.so.1)";
  const char *name = nullptr, *text = nullptr;
  if (api->cuGetErrorName(error, &name) != 0 || api->cuGetErrorString(error, &text) != 0) {
    return "CUDA error " + std::to_string(error);
  }
  return std::string(text) + " (" + name + ")";
}

}  // namespace device
}  // namespace plugin
}  // namespace edgeprune
