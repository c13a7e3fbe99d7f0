#include "execution.h"

#include "float16.h"
#include "plan/arrange.h"
#include "plan/launch.h"
#include "plan/lower.h"
#include "refusal.h"

namespace edgeprune {
namespace plugin {
namespace {

// Shapes whose arrays a context keeps. Releasing one waits for the device, so that no kernel still
// reads it.
constexpr size_t kMostLowered = 8;

// Whether the kernel reads the values as they were packed, so that all plans share them.
bool shares_values(const sparse::Plan& plan) {
  return plan.kernel->family == sparse::Family::kDirect;
}

}  // namespace

void Execution::set_tactic(int code) {
  if (code != tactic_) prepared_ = false;
  tactic_ = code;
}

void Execution::prepare(const Case& wanted) {
  if (prepared_ && wanted == case_) return;
  prepared_ = false;
  plan_ = plan_for(*packed_, wanted, tactic_);
  current_ = &lowered(wanted.layer, plan_);
  upload_constants(plan_);
  case_ = wanted;
  prepared_ = true;
}

void Execution::enqueue(const Case& wanted, const Addresses& addresses, void* stream) {
  prepare(wanted);
  sparse::DirectPointers pointers = {};
  pointers.seg = current_->seg_on_device.as<int32_t>();
  pointers.off = current_->off_on_device.as<uint16_t>();
  pointers.val = (shares_values(plan_) ? val_[static_cast<int>(wanted.problem.type)]
                                       : current_->val_on_device).get();
  pointers.slots = current_->slots_on_device.as<int32_t>();
  pointers.bias = bias_.as<float>();
  pointers.x = addresses.x;
  pointers.residual = wanted.layer.has_residual ? addresses.residual : nullptr;
  pointers.y = addresses.y;
  require_success("launching the kernel", sparse::launch(plan_, pointers, stream));
}

void Execution::upload_constants(const sparse::Plan& plan) {
  const sparse::DataType type = plan.kernel->type;
  if (bias_.get() == nullptr) bias_ = uploaded(packed_->bias);
  DeviceArray& val = val_[static_cast<int>(type)];
  if (val.get() == nullptr && shares_values(plan)) {
    val = uploaded(converted(packed_->val, packed_->val_type, type));
  }
}

const Execution::Lowered& Execution::lowered(const sparse::Layer& layer,
                                             const sparse::Plan& plan) {
  std::vector<uint16_t> lowered(packed_->columns());
  require(sparse::lower_offsets(layer, plan, packed_->off.data(), packed_->columns(),
                                lowered.data()));
  std::vector<unsigned char> val;
  if (!shares_values(plan)) val = converted(packed_->val, packed_->val_type, plan.kernel->type);
  const sparse::Arranged arranged =
      sparse::arrange_values(layer, plan, packed_->seg.data(), packed_->seg.size(),
                             lowered.data(), val.empty() ? nullptr : val.data());
  Lowered fresh;
  fresh.seg = arranged.seg;
  fresh.off = arranged.off;
  fresh.slots = sparse::make_slots(layer, plan, packed_->perm.data());
  for (auto held = all_lowered_.begin(); held != all_lowered_.end(); ++held) {
    if (held->seg == fresh.seg && held->off == fresh.off && held->slots == fresh.slots) {
      all_lowered_.splice(all_lowered_.begin(), all_lowered_, held);
      return all_lowered_.front();
    }
  }
  fresh.off_on_device = uploaded(fresh.off);
  fresh.slots_on_device = uploaded(fresh.slots);
  fresh.seg_on_device = uploaded(fresh.seg);
  fresh.val_on_device = uploaded(arranged.val);
  all_lowered_.push_front(std::move(fresh));
  if (all_lowered_.size() > kMostLowered) all_lowered_.pop_back();
  return all_lowered_.front();
}

}  // namespace plugin
}  // namespace edgeprune
