// Packed weights as the plan's kernel reads them; what depends on the kernel, but not on the device.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "plan.h"

namespace edgeprune {
namespace sparse {

struct Arranged {
  std::vector<int32_t> seg;
  std::vector<uint16_t> off;
  std::vector<uint8_t> val;  // bytes of the problem's type
};

// Offsets are words of the ring of channels (ring.h), and segments end where a warp stops while a
// tile of channels is there: some columns wait for the next.
//
// For sparse_conv_direct the columns stay in their order, and values are copies, or none where `val`
// is null.
//
// For sparse_conv_vmma segments count steps of 16 columns. One that has to be done before it is full
// may have 8: the offsets of its other columns, the last two of every lane, are 65535. It is filled up
// with columns whose weights are zero and whose input is one that the step reads
// anyway, so that they add nothing that the step does not. Offsets are in the order of the step's
// columns; lane l of a warp gathers columns 4 * (l % 4) + i. Columns that the four lanes gather at
// once, those of equal i, are chosen to lie in different banks of shared memory. Values are fragments
// of mma.m16n8k16: of every step and half of the rows 16 bytes a lane, the rows l / 4 and l / 4 + 8 of
// the lane's columns.
//
// `lowered` comes from lower_offsets, `val` holds (columns, V) of the problem's type.
Arranged arrange_values(const Layer& layer, const Plan& plan, const int32_t* seg,
                        size_t seg_length, const uint16_t* lowered, const void* val);

}  // namespace sparse
}  // namespace edgeprune
