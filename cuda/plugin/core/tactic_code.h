// Tactics as the numbers that TensorRT times, keeps in an engine and hands back.
#pragma once

#include <vector>

#include "packed_layer.h"
#include "plan/plan.h"
#include "tensors.h"

namespace edgeprune {
namespace plugin {

// TensorRT's number for "no tactic was chosen".
constexpr int kDefaultTactic = 0;

// All tactics of a case, each positive and given once. A number says how wide a tile is by its rank
// among the widths that fit, so that it means something for all shapes of an engine.
std::vector<int> tactic_codes(const Case& wanted);

// The plan of a tactic for this case. Where a shape does not allow the tactic, or none was chosen,
// it is the plan of the default one. Throws a Refusal where no tactic has a plan.
sparse::Plan plan_for(const PackedLayer& packed, const Case& wanted, int code);

}  // namespace plugin
}  // namespace edgeprune
