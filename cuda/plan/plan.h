// From a layer, a problem and a tactic to a launch.
#pragma once

#include <string>

#include "arguments.h"
#include "instantiations.h"
#include "layer.h"
#include "tactic.h"

namespace edgeprune {
namespace sparse {

struct Plan {
  std::string reason;             // why this cannot run; empty where it can
  const Instantiation* kernel = nullptr;
  unsigned grid[3] = {0, 0, 0};
  unsigned block = 0;             // threads
  int shared_bytes = 0;           // dynamic shared memory of a block; above 48 KB the kernel's
                                  // attribute for it has to be set
  int groups_per_block = 0;       // of V output channels
  DirectArguments arguments = {};

  bool ok() const { return reason.empty(); }
};

Plan make_plan(const Layer& layer, const Problem& problem, const Tactic& tactic);

}  // namespace sparse
}  // namespace edgeprune
