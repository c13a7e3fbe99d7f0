// Whether a layer, a problem and a tactic are ones that the kernels serve, said in words.
#pragma once

#include <string>

#include "layer.h"
#include "tactic.h"

namespace edgeprune {
namespace sparse {

// Warps of a block, with which half of an SM's threads are resident: of 1536 in blocks of 256, of the
// 2048 before sm_80 in blocks of up to 512, which share the tile of the input.
inline int maximum_warps(int sm) { return sm < 80 ? 16 : 8; }
constexpr int kDefaultSharedBytes = 48 * 1024;  // of a block, without asking for more
constexpr int kOffsets = 1 << 16;

// Each returns an empty text where all is well.
std::string check_layer(const Layer& layer);
std::string check_problem(const Layer& layer, const Problem& problem);
std::string check_tactic(const Layer& layer, const Problem& problem, const Tactic& tactic);

// Bytes of shared memory that a block may ask for on this device.
int shared_limit(int sm);

}  // namespace sparse
}  // namespace edgeprune
