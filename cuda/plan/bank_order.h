// In which order a segment's columns are gathered: four at once, from different banks.
#pragma once

#include <cstdint>
#include <vector>

namespace edgeprune {
namespace sparse {

// Four columns that are gathered at once, as indices into the segment; `filled` says which of them
// are there to be multiplied, the others repeat one of these.
struct Quadruple {
  int column[4];
  bool filled[4];
};

// Quadruples that together have so many places, at least one for each column. `quarter` is the words that the lanes of one
// column read together: offsets that leave the same remainder by it, but differ in (offset / quarter)
// % 4, lie in different banks.
std::vector<Quadruple> bank_order(const uint16_t* offsets, int columns, int places, int quarter);

}  // namespace sparse
}  // namespace edgeprune
