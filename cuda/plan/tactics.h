// Which tactics there are, and which to begin with.
#pragma once

#include <vector>

#include "layer.h"
#include "plan.h"
#include "tactic.h"

namespace edgeprune {
namespace sparse {

// What is known to suit the devices from compute capability `sm` on.
struct TacticDefaults {
  int sm;
  int warps;
  Staging staging;
  int shared_bytes;  // of a block, so that as many are resident as registers leave room for
};

struct TacticTable {
  const TacticDefaults* rows;  // ascending by sm
  int length;
};

// The table that comes with edgeprune.
TacticTable tactic_table();

// Every tactic that has a plan.
std::vector<Tactic> enumerate_tactics(const Layer& layer, const Problem& problem);

// The most suitable tactic with the table's launch; where none has a plan, its plan says why. `density`, stored columns of all possible, tells how long the lists of weights are.
Tactic default_tactic(const Layer& layer, const Problem& problem, double density = 0.1,
                      TacticTable table = tactic_table());

// 1 where shared memory leaves as many threads resident as registers do; elsewhere less,
// the more of it a warp takes.
double room(const Plan& plan, const Tactic& tactic, const TacticDefaults& defaults);

// How well a tactic suits, by which the default is chosen: the share of lanes in use, less for what
// loads much for few outputs and for blocks that leave few threads resident. Below zero: no plan.
double suitability(const Layer& layer, const Problem& problem, const Tactic& tactic,
                   double density, TacticTable table = tactic_table());

// Of the multiply-adds that a tactic issues, the share that is wanted: lanes whose column lies
// outside, rows outside, and lanes that find no weight left are not.
double lane_use(const Layer& layer, const Problem& problem, const Tactic& tactic, double density);

}  // namespace sparse
}  // namespace edgeprune
