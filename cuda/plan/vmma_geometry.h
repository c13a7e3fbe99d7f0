// The parts of a plan's arguments that are the tensor-core kernel's own.
#pragma once

#include "geometry.h"

namespace edgeprune {
namespace sparse {

// Pitches with which columns that lie apart by channel or by row of the kernel fall into different
// quarters of the banks, at the same place of the quarter.
void set_vmma_words(const Layer& layer, const Problem& problem, const Tactic& tactic,
                    DirectArguments* arguments);
// Sets the offsets and returns the bytes of shared memory that a block takes.
long long set_vmma_shared(const Layer& layer, const Problem& problem, const Tactic& tactic,
                          DirectArguments* arguments);

}  // namespace sparse
}  // namespace edgeprune
