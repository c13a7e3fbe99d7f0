#include "ring.h"

#include <algorithm>

#include "geometry.h"
#include "vmma.h"

namespace edgeprune {
namespace sparse {
namespace {

// For every lane that may be left over, with a tenth of the weights of a 3x3 kernel about as many
// columns.
constexpr int kKeptPerLane = 2;
constexpr int kKeptOnTensorCores = 16;

}  // namespace

int kept_channels(const Layer& layer, int lane_split) {
  if (channel_tiles(layer) == 1) return 0;
  const int wanted = on_tensor_cores(layer) ? kKeptOnTensorCores
                     : lane_split > 1       ? kKeptPerLane * lane_split
                                            : 0;
  return std::min(wanted, group_channels(layer) - layer.channel_tile);
}

int ring_channels(const Layer& layer, const Problem& problem, const Tactic& tactic) {
  const int kept = kept_channels(layer, tactic.lane_split);
  const int channels = std::min(layer.channel_tile, group_channels(layer)) + kept;
  // Lanes that write neighbouring channels of kHWC8 meet in no bank where the ring closes.
  return kept > 0 && problem.layout == Layout::kHwc8 ? round_up(channels, 8) : channels;
}

ChannelRing::ChannelRing(const Layer& layer, const Plan& plan, const int32_t* seg, size_t seg_length,
           const uint16_t* lowered)
    : tiles_(plan.arguments.channel_tiles),
      channel_tile_(plan.arguments.channel_tile),
      channels_(group_channels(layer)),
      ring_channels_(plan.arguments.ring_channels),
      channel_words_(plan.arguments.channel_words),
      lowered_(lowered) {
  channel_.reserve(static_cast<size_t>(seg[seg_length - 1]));
  for (size_t s = 0; s + 1 < seg_length; ++s) {
    const int first = static_cast<int>(s % static_cast<size_t>(tiles_)) * channel_tile_;
    for (int32_t k = seg[s]; k < seg[s + 1]; ++k) {
      channel_.push_back(first + lowered[k] / channel_words_);
    }
  }
}

uint16_t ChannelRing::offset(int32_t k) const {
  const int place = channel_[static_cast<size_t>(k)] % ring_channels_;
  return static_cast<uint16_t>(place * channel_words_ + lowered_[k] % channel_words_);
}

bool ChannelRing::due(int32_t k, int tile) const {
  if (tile + 1 >= tiles_) return true;
  const int coming = std::min(channels_, (tile + 2) * channel_tile_);
  return channel_[static_cast<size_t>(k)] < coming - ring_channels_;
}

double empty_places(const Layer& layer, int lane_split, double density) {
  const bool tensor = on_tensor_cores(layer);
  const int together = tensor ? kTensorColumns : lane_split;
  const int part = tensor ? kTensorHalfStep : lane_split;
  const double tiles = channel_tiles(layer), area = layer.kernel_height * layer.kernel_width;
  const double columns = kept_channels(layer, lane_split) * area * density;
  // Columns are as often too few as exp(-x) says; so far as it matters.
  const double x = 2.0 * columns / together;
  const double too_few = 1.0 / (1.0 + x + x * x / 2.0 + x * x * x / 6.0);
  return 0.5 * (part - 1) * (1.0 + (tiles - 1.0) * too_few) / tiles;
}

int32_t reach(int32_t done, int32_t available, int32_t due, int step, int part) {
  const int32_t whole = done + (available - done) / step * step;
  if (due <= whole) return whole;
  return std::min(available, whole + divide_up(due - whole, part) * part);
}

}  // namespace sparse
}  // namespace edgeprune
