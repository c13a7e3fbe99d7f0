// Memory of the device that holds a copy of numbers of the host, as long as this lives.
#pragma once

#include <cstddef>
#include <vector>

namespace edgeprune {
namespace plugin {

// Throws a Refusal that says what failed, unless `error` is 0.
void require_success(const char* what, int error);

class DeviceArray {
 public:
  DeviceArray() = default;
  // Throws a Refusal where the device has no room or does not answer.
  DeviceArray(const void* from, size_t bytes);
  ~DeviceArray();
  DeviceArray(DeviceArray&& other) noexcept;
  DeviceArray& operator=(DeviceArray&& other) noexcept;

  const void* get() const { return memory_; }
  template <class Number>
  const Number* as() const {
    return static_cast<const Number*>(memory_);
  }

 private:
  void* memory_ = nullptr;
};

template <class Number>
DeviceArray uploaded(const std::vector<Number>& values) {
  return DeviceArray(values.data(), values.size() * sizeof(Number));
}

}  // namespace plugin
}  // namespace edgeprune
