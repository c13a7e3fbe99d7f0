// The device through the CUDA runtime.
#include <cuda_runtime_api.h>

#include "device.h"

namespace edgeprune {
namespace plugin {
namespace device {
namespace {

// An error that is left in place would be taken for the next launch's.
int taken(cudaError_t error) {
  if (error != cudaSuccess) cudaGetLastError();
  return static_cast<int>(error);
}

int attribute(cudaDeviceAttr which, int current) {
  int value = 0;
  return taken(cudaDeviceGetAttribute(&value, which, current)) == 0 ? value : 0;
}

}  // namespace

int compute_capability() {
  int current = 0;
  if (taken(cudaGetDevice(&current)) != 0) return 0;
  return 10 * attribute(cudaDevAttrComputeCapabilityMajor, current) +
         attribute(cudaDevAttrComputeCapabilityMinor, current);
}

int allocate(size_t bytes, void** memory) { return taken(cudaMalloc(memory, bytes)); }

int release(void* memory) { return taken(cudaFree(memory)); }

int upload(void* to, const void* from, size_t bytes) {
  return taken(cudaMemcpy(to, from, bytes, cudaMemcpyHostToDevice));
}

std::string error_text(int error) {
  const cudaError_t known = static_cast<cudaError_t>(error);
  return std::string(cudaGetErrorString(known)) + " (" + cudaGetErrorName(known) + ")";
}

}  // namespace device
}  // namespace plugin
}  // namespace edgeprune
