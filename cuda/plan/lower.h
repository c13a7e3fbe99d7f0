// The parts of the packed weights that depend on the tactic, worked out when it is known.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "plan.h"

namespace edgeprune {
namespace sparse {

// Rewrites offsets `(c * KH + kh) * KW + kw` of the format into words of shared memory. Returns why
// it cannot, or an empty text. `lowered` may be `off`.
std::string lower_offsets(const Layer& layer, const Plan& plan, const uint16_t* off,
                          size_t columns, uint16_t* lowered);

// Slots in which a plan's blocks look up their groups of V output channels: blocks of one group of
// the convolution are neighbours, as they share its input, and within it the order of `perm` stays.
// Two numbers a slot: the packed group and the group of output channels it is; -1 where none.
std::vector<int32_t> make_slots(const Layer& layer, const Plan& plan, const int32_t* perm);

// Why seg, off and perm are not the packed weights of this layer, or an empty text.
std::string check_packed(const Layer& layer, const int32_t* seg, size_t seg_length,
                         const uint16_t* off, size_t columns, const int32_t* perm,
                         size_t perm_length);

}  // namespace sparse
}  // namespace edgeprune
