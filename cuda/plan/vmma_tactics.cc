#include "vmma_tactics.h"

#include <algorithm>

#include "ring.h"
#include "validity.h"
#include "vmma.h"

namespace edgeprune {
namespace sparse {
namespace {

// Of an SM of sm_87: an mma.sync of 2048 multiply-adds at 512 a clock.
constexpr double kMultiplyClocks = 4.0;
// For the barriers around a tile of channels, however few it has.
constexpr double kTileClocks = 100.0;
// Rows of a tile with which half of an SM's threads are resident; with more it is a third. What that
// costs lies between nothing and a third, until a board says.
constexpr int kRowsAtHalf = 4;
constexpr double kFewerThreads = 0.8;

// Columns that a segment stores on average.
double columns_of_segment(const Layer& layer, double density) {
  const double channels = std::min(layer.channel_tile, group_channels(layer));
  return channels * layer.kernel_height * layer.kernel_width * density;
}

// Steps that it takes, with the places in them that are filled up.
double steps_of_segment(const Layer& layer, double density) {
  return (columns_of_segment(layer, density) + empty_places(layer, 1, density)) / kTensorColumns;
}

// All with up to so many warps, whether they have a plan or not.
std::vector<Tactic> candidates(const Layer& layer, const Problem& problem, int warps,
                               Staging staging) {
  std::vector<Tactic> tactics;
  const int width = output_width(layer, problem), rows = group_rows(layer);
  for (int i = 0; i < instantiation_count(); ++i) {
    const Instantiation& entry = instantiations()[i];
    if (entry.family != Family::kVmma || entry.layout != problem.layout) continue;
    for (int across = 1; across <= std::min(warps, warps_across(width)); ++across) {
      for (int groups = 1; groups * across <= warps && groups < 2 * rows; groups *= 2) {
        tactics.push_back({std::min(width, across * kTensorPixels), entry.pixels_per_lane, 1, 1,
                           groups * across, staging});
      }
    }
  }
  return tactics;
}

// Strips of kTensorPixels columns that cover a row of the output, tile by tile.
int strips_of_row(int width, int tile_columns) {
  return width / tile_columns * warps_across(tile_columns) + warps_across(width % tile_columns);
}

// Clocks that a block takes for one tile of channels: to multiply, and to stage the input. On
// average: at the edges of the output it has fewer strips and rows to multiply.
double multiply_clocks(const Layer& layer, const Tactic& tactic, const Plan& plan,
                       double density) {
  const DirectArguments& a = plan.arguments;
  const double groups = std::min(plan.groups_per_block, group_rows(layer));
  const double strips = 1.0 * strips_of_row(a.output_width, a.tile_columns) / a.tiles_across;
  const double rows = 1.0 * a.output_height / divide_up(a.output_height, tactic.pixels_per_lane);
  return groups * strips * steps_of_segment(layer, density) * (kTensorVector / kTensorRows) *
         rows * kMultiplyClocks;
}
// Each number is loaded and stored twice, a warp's at once; in kHWC8 its lanes are channels.
double stage_clocks(const Problem& problem, const Tactic& tactic, const Plan& plan) {
  const double words = 1.0 * plan.arguments.channel_tile * plan.arguments.channel_words;
  const int channels = plan.arguments.channel_tile;
  const double lanes = problem.layout == Layout::kHwc8 ? 32.0 * divide_up(channels, 32) / channels : 1.0;
  return words * (2 * tactic.pixels_per_lane + 2) / 32 * lanes + kTileClocks;
}

}  // namespace

std::vector<Tactic> enumerate_vmma_tactics(const Layer& layer, const Problem& problem) {
  std::vector<Tactic> tactics;
  for (Staging staging : {Staging::kPlain, Staging::kAsync}) {
    for (const Tactic& tactic :
         candidates(layer, problem, maximum_warps(problem.sm), staging)) {
      if (make_plan(layer, problem, tactic).ok()) tactics.push_back(tactic);
    }
  }
  return tactics;
}

Tactic default_vmma_tactic(const Layer& layer, const Problem& problem, double density,
                           const TacticDefaults& defaults) {
  const std::vector<Tactic> all = candidates(layer, problem, defaults.warps, defaults.staging);
  const auto score = [&](const Tactic& tactic) {
    return vmma_suitability(layer, problem, tactic, density, defaults);
  };
  return *std::max_element(all.begin(), all.end(), [&](const Tactic& one, const Tactic& other) {
    return score(one) < score(other);
  });
}

double vmma_lane_use(const Layer& layer, const Problem& problem, const Tactic& tactic,
                     double density) {
  const int width = output_width(layer, problem);
  const double strips = strips_of_row(width, std::min(tactic.tile_columns, width));
  const double filled = columns_of_segment(layer, density) / kTensorColumns;
  return width / (strips * kTensorPixels) * filled / steps_of_segment(layer, density);
}

double vmma_suitability(const Layer& layer, const Problem& problem, const Tactic& tactic,
                        double density, const TacticDefaults& defaults) {
  const double lanes = vmma_lane_use(layer, problem, tactic, density);
  const Plan plan = make_plan(layer, problem, tactic);
  if (!plan.ok()) return lanes - 2.0;
  const double multiply = multiply_clocks(layer, tactic, plan, density);
  return lanes * multiply / (multiply + stage_clocks(problem, tactic, plan)) *
         room(plan, tactic, defaults) * (tactic.pixels_per_lane > kRowsAtHalf ? kFewerThreads : 1.0);
}

}  // namespace sparse
}  // namespace edgeprune
