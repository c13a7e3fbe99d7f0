// What one execution context holds on the device, and the launch.
#pragma once

#include <list>
#include <vector>

#include "device_array.h"
#include "packed_layer.h"
#include "plan/plan.h"
#include "tactic_code.h"
#include "tensors.h"

namespace edgeprune {
namespace plugin {

// Where the tensors lie, on the device.
struct Addresses {
  const void* x;
  const void* residual;  // null for none
  void* y;
};

class Execution {
 public:
  explicit Execution(SharedLayer packed) : packed_(std::move(packed)) {}
  Execution(const Execution&) = delete;
  Execution& operator=(const Execution&) = delete;

  // For the preparations that follow.
  void set_tactic(int code);
  // Works out the plan and uploads what it needs; does nothing where that has been done. Throws a
  // Refusal.
  void prepare(const Case& wanted);
  // Queues the kernel and touches nothing but the stream where `wanted` has been prepared. Throws
  // a Refusal.
  void enqueue(const Case& wanted, const Addresses& addresses, void* stream);

 private:
  // The arrays that depend on the plan. Plans that differ in the batch only have equal ones.
  struct Lowered {
    std::vector<int32_t> seg;
    std::vector<uint16_t> off;
    std::vector<int32_t> slots;
    DeviceArray seg_on_device;
    DeviceArray off_on_device;
    DeviceArray slots_on_device;
    // Where the kernel takes the values in an order of its own; empty elsewhere.
    DeviceArray val_on_device;
  };

  void upload_constants(const sparse::Plan& plan);
  const Lowered& lowered(const sparse::Layer& layer, const sparse::Plan& plan);

  SharedLayer packed_;
  int tactic_ = kDefaultTactic;
  bool prepared_ = false;
  Case case_ = {};
  sparse::Plan plan_;
  const Lowered* current_ = nullptr;
  std::list<Lowered> all_lowered_;  // the one used last comes first
  DeviceArray bias_;
  DeviceArray val_[2];              // by data type
};

}  // namespace plugin
}  // namespace edgeprune
