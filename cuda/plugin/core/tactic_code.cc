#include "tactic_code.h"

#include <map>

#include "plan/tactics.h"
#include "refusal.h"

namespace edgeprune {
namespace plugin {

namespace {

struct Coded {
  int code;
  sparse::Tactic tactic;
};

// Everything but the width of a tile.
int code_without_width(const sparse::Tactic& tactic) {
  int code = tactic.pixels_per_lane;
  code = code << 4 | tactic.groups_per_warp;
  code = code << 6 | tactic.lane_split;
  code = code << 5 | tactic.warps;
  return code << 1 | static_cast<int>(tactic.staging);
}

std::vector<Coded> coded_tactics(const Case& wanted) {
  std::vector<Coded> result;
  std::map<int, int> widths;  // that have been met, of the same tactic otherwise
  for (const sparse::Tactic& tactic : sparse::enumerate_tactics(wanted.layer, wanted.problem)) {
    const int code = code_without_width(tactic);
    result.push_back({code << 3 | widths[code]++, tactic});
  }
  return result;
}

}  // namespace

std::vector<int> tactic_codes(const Case& wanted) {
  std::vector<int> codes;
  for (const Coded& coded : coded_tactics(wanted)) codes.push_back(coded.code);
  return codes;
}

sparse::Plan plan_for(const PackedLayer& packed, const Case& wanted, int code) {
  if (code != kDefaultTactic) {
    for (const Coded& coded : coded_tactics(wanted)) {
      if (coded.code != code) continue;
      return sparse::make_plan(wanted.layer, wanted.problem, coded.tactic);
    }
  }
  const sparse::Tactic tactic =
      sparse::default_tactic(wanted.layer, wanted.problem, packed.density());
  sparse::Plan plan = sparse::make_plan(wanted.layer, wanted.problem, tactic);
  require(plan.reason);
  return plan;
}

}  // namespace plugin
}  // namespace edgeprune
