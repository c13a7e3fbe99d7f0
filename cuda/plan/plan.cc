#include "plan.h"

#include "geometry.h"
#include "validity.h"
#include "vmma.h"
#include "vmma_geometry.h"

namespace edgeprune {
namespace sparse {
namespace {

constexpr long long kGridLimit = 65535;  // of the second and third dimension

std::string check_all(const Layer& layer, const Problem& problem, const Tactic& tactic) {
  std::string reason = check_layer(layer);
  if (reason.empty()) reason = check_problem(layer, problem);
  if (reason.empty()) reason = check_tactic(layer, problem, tactic);
  return reason;
}

std::string check_shared(const DirectArguments& arguments, long long shared_bytes, int limit) {
  const long long words =
      static_cast<long long>(arguments.ring_channels) * arguments.channel_words;
  if (words >= kOffsets - 1) {  // the last one means none
    return "a tile of " + std::to_string(words) + " words: offsets have 16 bits; pack the layer " +
           "with a smaller channel tile";
  }
  if (shared_bytes > limit) {
    return std::to_string(shared_bytes) + " bytes of shared memory where a block has " +
           std::to_string(limit) + ": pack the layer with a smaller channel tile";
  }
  return "";
}

std::string check_grid(const Layer& layer, const Problem& problem, const Plan& plan) {
  const long long across = static_cast<long long>(layer.groups) * plan.arguments.blocks_per_group;
  if (across > kGridLimit || problem.batch > kGridLimit) {
    return "a grid of " + std::to_string(across) + " x " + std::to_string(problem.batch) +
           " blocks where 65535 x 65535 are allowed";
  }
  return "";
}

}  // namespace

Plan make_plan(const Layer& layer, const Problem& problem, const Tactic& tactic) {
  Plan plan;
  plan.reason = check_all(layer, problem, tactic);
  if (!plan.ok()) return plan;
  DirectArguments* arguments = &plan.arguments;
  set_sizes(layer, problem, arguments);
  set_tiles(layer, problem, tactic, arguments);
  const bool tensor = on_tensor_cores(layer);
  (tensor ? set_vmma_words : set_words)(layer, problem, tactic, arguments);
  set_raw(layer, problem, arguments);
  set_activation(layer, arguments);
  const long long shared_bytes =
      (tensor ? set_vmma_shared : set_shared)(layer, problem, tactic, arguments);
  plan.reason = check_shared(*arguments, shared_bytes, shared_limit(problem.sm));
  if (plan.ok()) plan.reason = check_grid(layer, problem, plan);
  if (!plan.ok()) return plan;
  plan.kernel = find_instantiation(layer, problem, tactic);
  plan.grid[0] = static_cast<unsigned>(
      arguments->tiles_across * divide_up(arguments->output_height, tactic.pixels_per_lane));
  plan.grid[1] = static_cast<unsigned>(layer.groups * arguments->blocks_per_group);
  plan.grid[2] = static_cast<unsigned>(problem.batch);
  plan.block = static_cast<unsigned>(32 * tactic.warps);
  plan.groups_per_block = groups_per_block(layer, tactic, arguments->tile_columns);
  plan.shared_bytes = static_cast<int>(shared_bytes);
  return plan;
}

}  // namespace sparse
}  // namespace edgeprune
