#include "plan_api.h"

#include <algorithm>

#include "../plan/arrange.h"

using namespace edgeprune::sparse;

void edgeprune::harness::copy_text(const std::string& text, char* field, size_t length) {
  const size_t kept = std::min(text.size(), length - 1);
  std::copy_n(text.data(), kept, field);
  field[kept] = '\0';
}

extern "C" {

int edgeprune_argument_bytes() { return static_cast<int>(sizeof(DirectArguments)); }

int edgeprune_plan(const Layer* layer, const Problem* problem, const Tactic* tactic,
                   EdgeprunePlanView* view) {
  const Plan plan = make_plan(*layer, *problem, *tactic);
  edgeprune::harness::copy_text(plan.reason, view->reason, sizeof(view->reason));
  edgeprune::harness::copy_text(plan.kernel ? plan.kernel->name : "", view->kernel,
                                sizeof(view->kernel));
  std::copy_n(plan.grid, 3, view->grid);
  view->block = plan.block;
  view->shared_bytes = plan.shared_bytes;
  view->arguments = plan.arguments;
  return plan.ok() ? 0 : 1;
}

int edgeprune_lower(const Layer* layer, const Problem* problem, const Tactic* tactic,
                    const uint16_t* off, size_t columns, uint16_t* lowered) {
  return lower_offsets(*layer, make_plan(*layer, *problem, *tactic), off, columns, lowered)
                 .empty()
             ? 0
             : 1;
}

// Returns the steps that the segments count; off and val are written where they are not null, and
// have room for as many.
size_t edgeprune_arrange(const Layer* layer, const Problem* problem, const Tactic* tactic,
                         const int32_t* seg, size_t seg_length, const uint16_t* lowered,
                         const void* val, int32_t* arranged_seg, uint16_t* arranged_off,
                         uint8_t* arranged_val) {
  const Plan plan = make_plan(*layer, *problem, *tactic);
  const Arranged made = arrange_values(*layer, plan, seg, seg_length, lowered, val);
  std::copy(made.seg.begin(), made.seg.end(), arranged_seg);
  if (arranged_off) std::copy(made.off.begin(), made.off.end(), arranged_off);
  if (arranged_val) std::copy(made.val.begin(), made.val.end(), arranged_val);
  return static_cast<size_t>(made.seg.back());
}

// Writes at most `capacity` numbers and returns how many there are.
size_t edgeprune_slots(const Layer* layer, const Problem* problem, const Tactic* tactic,
                       const int32_t* perm, int32_t* slots, size_t capacity) {
  const std::vector<int32_t> made =
      make_slots(*layer, make_plan(*layer, *problem, *tactic), perm);
  std::copy_n(made.data(), std::min(made.size(), capacity), slots);
  return made.size();
}

int edgeprune_check_packed(const Layer* layer, const int32_t* seg, size_t seg_length,
                           const uint16_t* off, size_t columns, const int32_t* perm,
                           size_t perm_length, char* reason, size_t length) {
  const std::string text =
      check_packed(*layer, seg, seg_length, off, columns, perm, perm_length);
  edgeprune::harness::copy_text(text, reason, length);
  return text.empty() ? 0 : 1;
}

size_t edgeprune_tactics(const Layer* layer, const Problem* problem, Tactic* tactics,
                         size_t capacity) {
  const std::vector<Tactic> found = enumerate_tactics(*layer, *problem);
  std::copy_n(found.data(), std::min(found.size(), capacity), tactics);
  return found.size();
}

void edgeprune_default_tactic(const Layer* layer, const Problem* problem, double density,
                              Tactic* tactic) {
  *tactic = default_tactic(*layer, *problem, density);
}

double edgeprune_suitability(const Layer* layer, const Problem* problem, const Tactic* tactic,
                             double density) {
  return suitability(*layer, *problem, *tactic, density);
}

double edgeprune_lane_use(const Layer* layer, const Problem* problem, const Tactic* tactic,
                          double density) {
  return lane_use(*layer, *problem, *tactic, density);
}

size_t edgeprune_kernel_names(char* names, size_t length) {
  std::string all;
  for (int i = 0; i < instantiation_count(); ++i) {
    all += std::string(instantiations()[i].name) + "\n";
  }
  edgeprune::harness::copy_text(all, names, length);
  return all.size();
}

}  // extern "C"
