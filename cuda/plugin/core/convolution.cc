#include "convolution.h"

#include "../device/device.h"
#include "timing_id.h"

namespace edgeprune {
namespace plugin {

Convolution::Convolution(SharedLayer packed)
    : packed_(packed), fields_(packed), timing_id_(make_timing_id(fields_)) {
  release();
}

Convolution::Convolution(const Convolution& other)
    : packed_(other.packed_), fields_(other.packed_), timing_id_(other.timing_id_),
      tactic_(other.tactic_) {
  release();
}

bool Convolution::supports(const Tensors& tensors, size_t position) const {
  return plugin::supports(*packed_, tensors, position);
}

std::vector<int> Convolution::tactics(const Tensors& tensors) const {
  return tactic_codes(make_case(*packed_, tensors, device::compute_capability()));
}

void Convolution::set_tactic(int code) {
  tactic_ = code;
  execution_->set_tactic(code);
}

void Convolution::prepare(const Tensors& tensors) {
  execution_->prepare(make_case(*packed_, tensors, device::compute_capability()));
}

void Convolution::enqueue(const Tensors& tensors, const Addresses& addresses, void* stream) {
  execution_->enqueue(make_case(*packed_, tensors, device::compute_capability()), addresses,
                      stream);
}

void Convolution::release() {
  execution_.reset(new Execution(packed_));
  execution_->set_tactic(tactic_);
}

}  // namespace plugin
}  // namespace edgeprune
