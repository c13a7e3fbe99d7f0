// Tactics of the tensor-core kernel; tactics.h hands over to these.
#pragma once

#include <vector>

#include "tactics.h"

namespace edgeprune {
namespace sparse {

std::vector<Tactic> enumerate_vmma_tactics(const Layer& layer, const Problem& problem);

// The one with the highest vmma_suitability().
Tactic default_vmma_tactic(const Layer& layer, const Problem& problem, double density,
                           const TacticDefaults& defaults);

// Of the multiply-adds that the tensor cores do, the share that is wanted: columns beside the output
// are not, nor columns that fill up a step. Rows below it, and strips of 8 columns, are left out.
double vmma_lane_use(const Layer& layer, const Problem& problem, const Tactic& tactic,
                     double density);

// How well a tactic suits: the lanes it uses, times the share of a block's clocks that multiply, less
// where few threads are resident. Below zero where it has no plan.
double vmma_suitability(const Layer& layer, const Problem& problem, const Tactic& tactic,
                        double density, const TacticDefaults& defaults);

}  // namespace sparse
}  // namespace edgeprune
