#include "vmma_geometry.h"

#include <algorithm>

#include "vmma.h"

namespace edgeprune {
namespace sparse {
namespace {

// Of the results that a group of V hands on at once, in float32. kLinear: channels as in
// vmma_epilogue.cuh; kHwc8: rows of 32 numbers, which two pixels fill.
int scratch_bytes(const Problem& problem, const Tactic& tactic, int tile_columns) {
  const int rows = tactic.pixels_per_lane;
  if (problem.layout == Layout::kHwc8) {
    return rows * warps_across(tile_columns) * kTensorPixels * kTensorRows * 4;
  }
  const int eights = divide_up(rows * round_up(tile_columns, 2), 8) | 1;
  return kTensorRows * 8 * eights * 4;
}

}  // namespace

void set_vmma_words(const Layer& layer, const Problem& problem, const Tactic& tactic,
                    DirectArguments* arguments) {
  set_words(layer, problem, tactic, arguments);
  const int quarter = words_of_quarter(word_bytes(problem.type, tactic.pixels_per_lane));
  const int phases = arguments->word_pitch / arguments->phase_words;
  arguments->phase_words = round_up(arguments->phase_words, quarter);
  arguments->word_pitch = phases * arguments->phase_words;
  arguments->channel_words = arguments->word_rows * arguments->word_pitch;
  if (problem.layout == Layout::kHwc8) {
    // As in K1, for the lanes that write words of neighbouring channels.
    arguments->channel_words |= 1;
  } else if (arguments->channel_words / quarter % 2 == 0) {
    arguments->channel_words += quarter;
  }
  arguments->lane_word_step = layer.stride_height * arguments->word_pitch;
}

long long set_vmma_shared(const Layer& layer, const Problem& problem, const Tactic& tactic,
                          DirectArguments* arguments) {
  const int across = warps_across(arguments->tile_columns);
  // Lanes beside the tile read on behind its last word.
  const long long words =
      static_cast<long long>(arguments->ring_channels) * arguments->channel_words +
      across * kTensorPixels - arguments->tile_columns;
  const long long raw_offset =
      (words * word_bytes(problem.type, tactic.pixels_per_lane) + kAlignment - 1) / kAlignment *
      kAlignment;
  arguments->scratch_bytes = scratch_bytes(problem, tactic, arguments->tile_columns);
  arguments->asynchronous = tactic.staging == Staging::kAsync;
  arguments->columns_bytes = 0;
  // Results take the place of the words and of raw.
  const int groups = groups_per_block(layer, tactic, arguments->tile_columns);
  const long long scratch = static_cast<long long>(groups) * arguments->scratch_bytes;
  const long long tile_offset =
      std::max(raw_offset + raw_bytes(problem, *arguments), scratch);
  arguments->raw_offset = static_cast<int>(raw_offset);
  arguments->columns_offset = static_cast<int>(tile_offset);
  arguments->tile_offset = static_cast<int>(tile_offset);
  return tile_offset + kTileBytes;
}

}  // namespace sparse
}  // namespace edgeprune
