// How a problem is laid on the device: what may be tuned there, for the same packed weights.
#pragma once

namespace edgeprune {
namespace sparse {

// kPlain loads the next tile before the arithmetic of this one; kAsync (sm_80 and later) has
// cp.async bring it during that arithmetic.
enum class Staging : int { kPlain = 0, kAsync = 1 };

struct Tactic {
  int tile_columns;     // output columns of a block's tile, at most 32 / lane_split: a lane each
  int pixels_per_lane;  // output rows of a block's tile: all of its column are one lane's
  int groups_per_warp;  // groups of V output channels
  int lane_split;       // lanes that share a pixel column and split the list of weights
  int warps;            // of a block
  Staging staging;
};

}  // namespace sparse
}  // namespace edgeprune
