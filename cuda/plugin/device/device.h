// All that the plugin asks of a GPU, beside the launch in plan/launch.h. There is one definition
// per library: with the CUDA runtime, with the driver alone, and on the host.
#pragma once

#include <cstddef>
#include <string>

namespace edgeprune {
namespace plugin {
namespace device {

// Compute capability of the current device without its point, or 0 where there is none.
int compute_capability();

// These return 0, or the number of an error.
int allocate(size_t bytes, void** memory);
int release(void* memory);
// Copies to the device; the source may change on return.
int upload(void* to, const void* from, size_t bytes);

// What the number of an error means.
std::string error_text(int error);

}  // namespace device
}  // namespace plugin
}  // namespace edgeprune
