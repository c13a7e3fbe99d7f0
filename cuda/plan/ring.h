// Which columns are multiplied while which channels lie in shared memory. `words` is a ring: it holds
// the channels of the tile and the last ones of the tile before. So lanes that split a list, and steps
// of 16 columns, need not be filled up at the end of every tile: the columns that are left over wait
// for those of the next.
#pragma once

#include <cstdint>
#include <vector>

#include "plan.h"

namespace edgeprune {
namespace sparse {

// Channels that stay from one tile to the next.
int kept_channels(const Layer& layer, int lane_split);
// Those that the ring has room for.
int ring_channels(const Layer& layer, const Problem& problem, const Tactic& tactic);

// Packed columns as the ring has them.
class ChannelRing {
 public:
  // `lowered` comes from lower_offsets.
  ChannelRing(const Layer& layer, const Plan& plan, const int32_t* seg, size_t seg_length,
       const uint16_t* lowered);

  int tiles() const { return tiles_; }
  // Column k's word in the ring.
  uint16_t offset(int32_t k) const;
  // Whether its channel is overwritten when the tile behind `tile` comes.
  bool due(int32_t k, int tile) const;

 private:
  int tiles_, channel_tile_, channels_, ring_channels_, channel_words_;
  const uint16_t* lowered_;
  std::vector<int> channel_;  // of every column
};

// Lanes of a tile's steps, or places of its last step, that no column is left for, on average: what is
// left over of the last tile, and of others where the channels that stay have fewer columns than that.
double empty_places(const Layer& layer, int lane_split, double density);

// How far columns are multiplied: `done` of those up to `available` are, those before `due` have to
// be. Whole steps of so many, and what is due beyond them in parts of a step.
int32_t reach(int32_t done, int32_t available, int32_t due, int step, int part);

}  // namespace sparse
}  // namespace edgeprune
