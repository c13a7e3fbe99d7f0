// NVIDIA's occupancy calculator, for Python's ctypes.
#include <cuda_occupancy.h>

// What an SM of a device has; the calculator knows the rest by its compute capability.
struct EdgepruneSm {
  int major;
  int minor;
  int threads;
  int registers;
  int block_registers;
  int shared_bytes;
  int block_shared_bytes;     // the most that a block may ask for
  int reserved_shared_bytes;  // of every block, by the driver
};

// Blocks of a kernel that are resident on an SM at once, and what keeps others away: bits of
// cudaOccLimitingFactor. Negative: the calculator's error.
extern "C" int edgeprune_resident_blocks(const EdgepruneSm* sm, int registers, int threads,
                                         int shared_bytes, unsigned* limits) {
  cudaOccDeviceProp device;
  device.computeMajor = sm->major;
  device.computeMinor = sm->minor;
  device.maxThreadsPerBlock = 1024;
  device.maxThreadsPerMultiprocessor = sm->threads;
  device.regsPerBlock = sm->block_registers;
  device.regsPerMultiprocessor = sm->registers;
  device.warpSize = 32;
  device.sharedMemPerBlock = 48 * 1024;
  device.sharedMemPerMultiprocessor = static_cast<size_t>(sm->shared_bytes);
  device.numSms = 1;
  device.sharedMemPerBlockOptin = static_cast<size_t>(sm->block_shared_bytes);
  device.reservedSharedMemPerBlock = static_cast<size_t>(sm->reserved_shared_bytes);
  cudaOccFuncAttributes kernel;
  kernel.maxThreadsPerBlock = 1024;
  kernel.numRegs = registers;
  kernel.shmemLimitConfig = FUNC_SHMEM_LIMIT_OPTIN;
  kernel.maxDynamicSharedSizeBytes = static_cast<size_t>(shared_bytes);
  kernel.numBlockBarriers = 1;
  const cudaOccDeviceState state;
  cudaOccResult found;
  const cudaOccError error = cudaOccMaxActiveBlocksPerMultiprocessor(
      &found, &device, &kernel, &state, threads, static_cast<size_t>(shared_bytes));
  if (error != CUDA_OCC_SUCCESS) return -static_cast<int>(error);
  *limits = found.limitingFactors;
  return found.activeBlocksPerMultiprocessor;
}
