#include "driver_api.h"

#include <dlfcn.h>

namespace edgeprune {
namespace plugin {
namespace device {
namespace {

template <class Function>
bool look_up(void* library, const char* name, Function* function) {
  *function = reinterpret_cast<Function>(dlsym(library, name));
  return *function != nullptr;
}

bool look_up_all(void* library, DriverApi* api) {
  return library != nullptr && look_up(library, "cuInit", &api->cuInit) &&
         look_up(library, "cuCtxGetCurrent", &api->cuCtxGetCurrent) &&
         look_up(library, "cuCtxGetDevice", &api->cuCtxGetDevice) &&
         look_up(library, "cuDeviceGetAttribute", &api->cuDeviceGetAttribute) &&
         look_up(library, "cuMemAlloc_v2", &api->cuMemAlloc) &&
         look_up(library, "cuMemFree_v2", &api->cuMemFree) &&
         look_up(library, "cuMemcpyHtoD_v2", &api->cuMemcpyHtoD) &&
         look_up(library, "cuModuleLoadData", &api->cuModuleLoadData) &&
         look_up(library, "cuModuleGetFunction", &api->cuModuleGetFunction) &&
         look_up(library, "cuFuncSetAttribute", &api->cuFuncSetAttribute) &&
         look_up(library, "cuLaunchKernel", &api->cuLaunchKernel) &&
         look_up(library, "cuGetErrorName", &api->cuGetErrorName) &&
         look_up(library, "cuGetErrorString", &api->cuGetErrorString) && api->cuInit(0) == 0;
}

}  // namespace

const DriverApi* driver_api() {
  static DriverApi api = {};
  static const bool found = look_up_all(dlopen("libcuda.so.1", RTLD_LAZY), &api);
  return found ? &api : nullptr;
}

}  // namespace device
}  // namespace plugin
}  // namespace edgeprune
