#include "geometry.h"

#include <algorithm>
#include <limits>

#include "ring.h"
#include "vmma.h"

namespace edgeprune {
namespace sparse {
namespace {

// The smallest number from `least` on that leaves the same remainder as `like`.
int congruent(int least, int like, int modulus) {
  const int behind = (like - least) % modulus;
  return least + (behind < 0 ? behind + modulus : behind);
}

}  // namespace

void set_sizes(const Layer& layer, const Problem& problem, DirectArguments* arguments) {
  arguments->batch = problem.batch;
  arguments->channels = layer.channels;
  arguments->group_channels = group_channels(layer);
  arguments->height = problem.height;
  arguments->width = problem.width;
  arguments->outputs = layer.outputs;
  arguments->group_outputs = group_outputs(layer);
  arguments->output_height = output_height(layer, problem);
  arguments->output_width = output_width(layer, problem);
  arguments->pixel_pitch_in = round_up(layer.channels, 8);
  arguments->pixel_pitch_out = round_up(layer.outputs, 8);
  arguments->stride_height = layer.stride_height;
  arguments->stride_width = layer.stride_width;
  arguments->pad_top = layer.pad_top;
  arguments->pad_left = layer.pad_left;
}

void set_tiles(const Layer& layer, const Problem& problem, const Tactic& tactic,
               DirectArguments* arguments) {
  const int reach_height = (layer.kernel_height - 1) * layer.dilation_height;
  const int reach_width = (layer.kernel_width - 1) * layer.dilation_width;
  arguments->tile_columns = std::min(tactic.tile_columns, arguments->output_width);
  arguments->tiles_across = divide_up(arguments->output_width, arguments->tile_columns);
  arguments->channel_tile = std::min(layer.channel_tile, arguments->group_channels);
  arguments->channel_tiles = channel_tiles(layer);
  arguments->blocks_per_group =
      divide_up(group_rows(layer), groups_per_block(layer, tactic, arguments->tile_columns));
  arguments->input_rows =
      (tactic.pixels_per_lane - 1) * layer.stride_height + reach_height + 1;
  arguments->input_columns =
      (arguments->tile_columns - 1) * layer.stride_width + reach_width + 1;
  const bool linear = problem.layout == Layout::kLinear;
  arguments->whole_width = linear && arguments->tiles_across == 1;
  arguments->whole_plane =
      arguments->whole_width && arguments->output_height <= tactic.pixels_per_lane;
}

void set_words(const Layer& layer, const Problem& problem, const Tactic& tactic,
               DirectArguments* arguments) {
  const int reach_height = (layer.kernel_height - 1) * layer.dilation_height;
  const int reach_width = (layer.kernel_width - 1) * layer.dilation_width;
  const int height = word_height(problem.type, tactic.pixels_per_lane);
  const int phases = std::min(layer.stride_width, reach_width + 1);
  arguments->ring_channels = ring_channels(layer, problem, tactic);
  arguments->phase_words = arguments->tile_columns + reach_width / layer.stride_width;
  arguments->word_pitch = phases * arguments->phase_words;
  arguments->word_rows = (height - 1) * layer.stride_height + reach_height + 1;
  arguments->channel_words = arguments->word_rows * arguments->word_pitch;
  if (problem.layout == Layout::kHwc8) {
    // Lanes write one word of neighbouring channels each: an odd distance spreads them over banks.
    arguments->channel_words |= 1;
  }
  arguments->lane_word_step = layer.stride_height * arguments->word_pitch;
}

void set_raw(const Layer& layer, const Problem& problem, DirectArguments* arguments) {
  const int vector = kAlignment / size_of(problem.type);
  const int slack = 2 * (vector - 1);
  const int rows = std::min(arguments->input_rows, problem.height);
  const int columns = std::min(arguments->input_columns, problem.width);
  const int plane = problem.height * problem.width;
  if (problem.layout == Layout::kHwc8) {
    const bool aligned = arguments->group_channels % 8 == 0 && layer.channel_tile % 8 == 0;
    arguments->raw_channel_pitch = 1;
    arguments->raw_column_pitch = round_up(arguments->channel_tile + (aligned ? 0 : 7), 8);
    arguments->raw_row_pitch = columns * arguments->raw_column_pitch;
    return;
  }
  // Whatever is contiguous stays so. Elsewhere a pitch leaves the same remainder as in global
  // memory, so that copies of 16 bytes are aligned on both sides.
  arguments->raw_column_pitch = 1;
  arguments->raw_row_pitch = arguments->whole_width
                                 ? problem.width
                                 : congruent(columns + slack, problem.width, vector);
  arguments->raw_channel_pitch =
      arguments->whole_plane ? plane
                             : congruent(rows * arguments->raw_row_pitch + slack, plane, vector);
}

void set_activation(const Layer& layer, DirectArguments* arguments) {
  const float infinity = std::numeric_limits<float>::infinity();
  arguments->lower = -infinity;
  arguments->upper = infinity;
  if (layer.activation == Activation::kRelu) {
    arguments->lower = 0.0f;
  } else if (layer.activation == Activation::kClip) {
    arguments->lower = layer.clip_lower;
    arguments->upper = layer.clip_upper;
  }
}

long long raw_bytes(const Problem& problem, const DirectArguments& arguments) {
  const int vector = kAlignment / size_of(problem.type);
  const long long rows = std::min(arguments.input_rows, problem.height);
  const long long numbers =
      problem.layout == Layout::kLinear
          ? static_cast<long long>(arguments.channel_tile) * arguments.raw_channel_pitch +
                2 * vector
          : rows * arguments.raw_row_pitch;
  return (numbers * size_of(problem.type) + kAlignment - 1) / kAlignment * kAlignment;
}

long long set_shared(const Layer& layer, const Problem& problem, const Tactic& tactic,
                     DirectArguments* arguments) {
  // Lanes beside the tile read on behind its last word.
  const long long words =
      static_cast<long long>(arguments->ring_channels) * arguments->channel_words +
      32 / tactic.lane_split - arguments->tile_columns;
  arguments->scratch_bytes = round_up(
      tactic.pixels_per_lane * arguments->tile_columns * static_cast<int>(sizeof(float)),
      kAlignment);
  arguments->columns_bytes = tactic.groups_per_warp * group_bytes(problem.type, layer.vector);
  arguments->asynchronous = tactic.staging == Staging::kAsync;
  const long long raw_offset =
      (words * word_bytes(problem.type, tactic.pixels_per_lane) + kAlignment - 1) / kAlignment *
      kAlignment;
  const long long scratch = static_cast<long long>(tactic.warps) * arguments->scratch_bytes;
  const long long columns_offset = raw_offset + std::max(raw_bytes(problem, *arguments), scratch);
  arguments->raw_offset = static_cast<int>(raw_offset);
  arguments->columns_offset = static_cast<int>(columns_offset);
  const long long tile_offset =
      columns_offset + static_cast<long long>(tactic.warps) * arguments->columns_bytes;
  arguments->tile_offset = static_cast<int>(tile_offset);
  return tile_offset + kTileBytes;
}

}  // namespace sparse
}  // namespace edgeprune
