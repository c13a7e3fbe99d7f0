#include "device.h"

#include <cstdlib>
#include <cstring>

#include "../../plugin/device/device.h"

namespace edgeprune {
namespace harness {
namespace {

int capability = 87;
int calls_until_failure = -1;

bool fails() {
  if (calls_until_failure < 0) return false;
  return calls_until_failure-- == 0;
}

}  // namespace

DeviceCounts& device_counts() {
  static DeviceCounts counts = {};
  return counts;
}

void set_capability(int sm) { capability = sm; }
void fail_after(int calls) { calls_until_failure = calls; }

}  // namespace harness

namespace plugin {
namespace device {

constexpr int kOutOfMemory = 2;  // cudaErrorMemoryAllocation

int compute_capability() { return harness::capability; }

int allocate(size_t bytes, void** memory) {
  if (harness::fails()) return kOutOfMemory;
  // On a page, as the driver's do, and no byte longer, so that a sanitizer sees what lies behind.
  if (posix_memalign(memory, 4096, bytes) != 0) return kOutOfMemory;
  ++harness::device_counts().allocations;
  ++harness::device_counts().live;
  return 0;
}

int release(void* memory) {
  std::free(memory);
  --harness::device_counts().live;
  return 0;
}

int upload(void* to, const void* from, size_t bytes) {
  if (harness::fails()) return kOutOfMemory;
  std::memcpy(to, from, bytes);
  ++harness::device_counts().uploads;
  return 0;
}

std::string error_text(int error) {
  return error == kOutOfMemory ? "out of memory" : "error " + std::to_string(error);
}

}  // namespace device
}  // namespace plugin
}  // namespace edgeprune
