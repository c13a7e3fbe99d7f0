// The parts of a plan's arguments, each worked out from the ones before.
#pragma once

#include "arguments.h"
#include "layer.h"
#include "tactic.h"

namespace edgeprune {
namespace sparse {

// Of arrays, in bytes.
constexpr int kAlignment = 16;

inline int round_up(int value, int to) { return divide_up(value, to) * to; }

// Bytes of the word that one load of the inner loop brings to a lane.
inline int word_bytes(DataType type, int pixels_per_lane) {
  const int bytes = pixels_per_lane * size_of(type);
  return bytes <= 8 ? 8 : 16;
}
// Rows of one input column in a word.
inline int word_elements(DataType type, int pixels_per_lane) {
  return word_bytes(type, pixels_per_lane) / size_of(type);
}
// Words that hold a lane's pixels.
inline int word_height(DataType type, int pixels_per_lane) {
  return divide_up(pixels_per_lane, word_elements(type, pixels_per_lane));
}

// Columns that are read at once: a warp's width, or so many that each lane reads 16 bytes of values.
// A warp keeps twice as many of each group.
inline int chunk_columns(DataType type, int vector) {
  const int bytes = vector * size_of(type);
  return bytes > 16 ? 32 * 16 / bytes : 32;
}

// Of the tile's place, 12 numbers.
constexpr int kTileBytes = 48;

// What a warp keeps of each of its groups: the ring, and how far it is.
constexpr int kStateBytes = 64;
inline int group_bytes(DataType type, int vector) {
  return 2 * chunk_columns(type, vector) * (2 + vector * size_of(type)) + kStateBytes;
}

void set_sizes(const Layer& layer, const Problem& problem, DirectArguments* arguments);
void set_tiles(const Layer& layer, const Problem& problem, const Tactic& tactic,
               DirectArguments* arguments);
void set_words(const Layer& layer, const Problem& problem, const Tactic& tactic,
               DirectArguments* arguments);
void set_raw(const Layer& layer, const Problem& problem, DirectArguments* arguments);
void set_activation(const Layer& layer, DirectArguments* arguments);
// Bytes of the tile as it lies in global memory.
long long raw_bytes(const Problem& problem, const DirectArguments& arguments);
// Sets the offsets and returns the bytes of shared memory that a block takes.
long long set_shared(const Layer& layer, const Problem& problem, const Tactic& tactic,
                     DirectArguments* arguments);

}  // namespace sparse
}  // namespace edgeprune
