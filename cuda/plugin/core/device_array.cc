#include "device_array.h"

#include <utility>

#include "../device/device.h"
#include "refusal.h"

namespace edgeprune {
namespace plugin {

void require_success(const char* what, int error) {
  if (error != 0) throw Refusal(std::string(what) + ": " + device::error_text(error));
}

DeviceArray::DeviceArray(const void* from, size_t bytes) {
  if (bytes == 0) return;
  require_success("allocating memory of the device", device::allocate(bytes, &memory_));
  const int error = device::upload(memory_, from, bytes);
  if (error != 0) device::release(memory_);
  require_success("copying the weights to the device", error);
}

DeviceArray::~DeviceArray() {
  if (memory_ != nullptr) device::release(memory_);
}

DeviceArray::DeviceArray(DeviceArray&& other) noexcept { std::swap(memory_, other.memory_); }

DeviceArray& DeviceArray::operator=(DeviceArray&& other) noexcept {
  std::swap(memory_, other.memory_);
  return *this;
}

}  // namespace plugin
}  // namespace edgeprune
