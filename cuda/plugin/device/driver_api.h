// The functions of CUDA's driver, looked up in the library that comes with it: what is linked with
// them needs no CUDA to be built, and no CUDA runtime to run.
#pragma once

#include <cstddef>

namespace edgeprune {
namespace plugin {
namespace device {

// As cuda.h has them; a name without its version is the newest of its versions.
struct DriverApi {
  int (*cuInit)(unsigned flags);
  int (*cuCtxGetCurrent)(void** context);
  int (*cuCtxGetDevice)(int* device);
  int (*cuDeviceGetAttribute)(int* value, int attribute, int device);
  int (*cuMemAlloc)(unsigned long long* memory, size_t bytes);
  int (*cuMemFree)(unsigned long long memory);
  int (*cuMemcpyHtoD)(unsigned long long to, const void* from, size_t bytes);
  int (*cuModuleLoadData)(void** module, const void* image);
  int (*cuModuleGetFunction)(void** function, void* module, const char* name);
  int (*cuFuncSetAttribute)(void* function, int attribute, int value);
  int (*cuLaunchKernel)(void* function, unsigned grid_x, unsigned grid_y, unsigned grid_z,
                        unsigned block_x, unsigned block_y, unsigned block_z, unsigned shared,
                        void* stream, void** parameters, void** extra);
  int (*cuGetErrorName)(int error, const char** name);
  int (*cuGetErrorString)(int error, const char** text);
};

// Errors of this library's own, beside the driver's.
constexpr int kNoDriver = -1;
constexpr int kNoCubin = -2;

// Null where the driver does not load or lacks a function.
const DriverApi* driver_api();

}  // namespace device
}  // namespace plugin
}  // namespace edgeprune
