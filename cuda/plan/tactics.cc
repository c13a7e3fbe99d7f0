#include "tactics.h"

#include <algorithm>

#include "ring.h"
#include "validity.h"
#include "vmma.h"
#include "vmma_tactics.h"

namespace edgeprune {
namespace sparse {
namespace {

// Registers leave room for half of an SM's threads: three blocks of 256 of the 1536 of Orin and Thor,
// two of 512 of the 2048 before. They share 64 KB (sm_53), 96 KB (sm_72), and 164 KB or more.
const TacticDefaults kDefaults[] = {
    {53, 16, Staging::kPlain, 32 * 1024},
    {72, 16, Staging::kPlain, 48 * 1024},
    {80, 8, Staging::kAsync, 40 * 1024},
    {86, 8, Staging::kAsync, 32 * 1024},
    {87, 8, Staging::kAsync, 53 * 1024},
    {89, 8, Staging::kAsync, 32 * 1024},
    {90, 8, Staging::kAsync, 53 * 1024},
};

// Of what shared memory leaves resident: it holds whole blocks only.
constexpr double kCrowded = 0.75;

const TacticDefaults& defaults_for(const TacticTable& table, int sm) {
  int best = 0;
  for (int i = 1; i < table.length; ++i) {
    if (table.rows[i].sm <= sm) best = i;
  }
  return table.rows[best];
}

// The columns of the output spread evenly over as few tiles as possible.
int even_columns(const Layer& layer, const Problem& problem, int lane_split) {
  const int width = std::max(1, output_width(layer, problem));
  return divide_up(width, divide_up(width, 32 / lane_split));
}

// Visits (kernel, columns): narrower tiles too, for layers packed with more channels than a tile of
// full width has shared memory for.
template <class Visit>
void visit_tiles(const Layer& layer, const Problem& problem, Visit&& visit) {
  for (int i = 0; i < static_cast<int>(DirectKernel::kCount); ++i) {
    const Instantiation& entry = instantiations()[i];
    if (entry.type != problem.type || entry.layout != problem.layout ||
        entry.vector != layer.vector) {
      continue;
    }
    const int widest = even_columns(layer, problem, entry.lane_split);
    for (int columns = widest; columns >= 1 && 4 * columns >= widest; columns /= 2) {
      visit(entry, columns);
    }
  }
}

Tactic make_tactic(const Instantiation& entry, int columns, int warps, Staging staging) {
  return {columns,          entry.pixels_per_lane, entry.groups_per_warp,
          entry.lane_split, warps,                 staging};
}

// Warps that a group of the convolution has work for.
int useful_warps(const Layer& layer, int groups_per_warp, int at_most) {
  return std::min(at_most, divide_up(group_rows(layer), groups_per_warp));
}

}  // namespace

TacticTable tactic_table() {
  return {kDefaults, static_cast<int>(sizeof(kDefaults) / sizeof(kDefaults[0]))};
}

double lane_use(const Layer& layer, const Problem& problem, const Tactic& tactic,
                double density) {
  if (on_tensor_cores(layer)) return vmma_lane_use(layer, problem, tactic, density);
  const double height = output_height(layer, problem), width = output_width(layer, problem);
  const double tiles_down = divide_up(static_cast<int>(height), tactic.pixels_per_lane);
  const double tiles_across = divide_up(static_cast<int>(width), tactic.tile_columns);
  const double in_tile = height * width / (tiles_down * tactic.pixels_per_lane * tiles_across *
                                           (32.0 / tactic.lane_split));
  const double channels = std::min(layer.channel_tile, group_channels(layer));
  const double list =
      std::max(1.0, channels * layer.kernel_height * layer.kernel_width * density);
  return in_tile * list / (list + empty_places(layer, tactic.lane_split, density));
}

double room(const Plan& plan, const Tactic& tactic, const TacticDefaults& defaults) {
  const double there = 1.0 * defaults.shared_bytes * tactic.warps;
  const double taken = 1.0 * plan.shared_bytes * defaults.warps;
  return taken > there ? kCrowded * there / taken : 1.0;
}

double suitability(const Layer& layer, const Problem& problem, const Tactic& tactic,
                   double density, TacticTable table) {
  const TacticDefaults& defaults = defaults_for(table, problem.sm);
  if (on_tensor_cores(layer)) {
    return vmma_suitability(layer, problem, tactic, density, defaults);
  }
  const Plan plan = make_plan(layer, problem, tactic);
  const double lanes = lane_use(layer, problem, tactic, density);
  if (!plan.ok()) return lanes - 2.0;
  const int most = useful_warps(layer, tactic.groups_per_warp, defaults.warps);
  // A block of few warps loads its tile for few groups; one whose lanes split the weights loads both
  // for few outputs; one that takes much shared memory leaves too few threads resident.
  const double split = tactic.lane_split == 1 ? 1.0 : tactic.lane_split == 2 ? 0.95 : 0.9;
  return lanes * split * (0.5 + 0.5 * tactic.warps / most) * room(plan, tactic, defaults);
}

std::vector<Tactic> enumerate_tactics(const Layer& layer, const Problem& problem) {
  std::vector<Tactic> tactics;
  if (!check_layer(layer).empty() || !check_problem(layer, problem).empty()) return tactics;
  if (on_tensor_cores(layer)) return enumerate_vmma_tactics(layer, problem);
  visit_tiles(layer, problem, [&](const Instantiation& entry, int columns) {
    for (int warps = 1; warps <= maximum_warps(problem.sm); warps *= 2) {
      for (Staging staging : {Staging::kPlain, Staging::kAsync}) {
        const Tactic tactic = make_tactic(entry, columns, warps, staging);
        if (make_plan(layer, problem, tactic).ok()) tactics.push_back(tactic);
      }
    }
  });
  return tactics;
}

Tactic default_tactic(const Layer& layer, const Problem& problem, double density,
                      TacticTable table) {
  Tactic best{1, 1, 1, 1, 1, Staging::kPlain};
  if (!check_layer(layer).empty() || !check_problem(layer, problem).empty()) return best;
  const TacticDefaults& defaults = defaults_for(table, problem.sm);
  if (on_tensor_cores(layer)) return default_vmma_tactic(layer, problem, density, defaults);
  double best_score = -3.0;
  visit_tiles(layer, problem, [&](const Instantiation& entry, int columns) {
    for (int warps = useful_warps(layer, entry.groups_per_warp, defaults.warps); warps >= 1;
         warps /= 2) {
      const Tactic tactic = make_tactic(entry, columns, warps, defaults.staging);
      const double reached = suitability(layer, problem, tactic, density, table);
      if (reached > best_score) {
        best_score = reached;
        best = tactic;
      }
    }
  });
  return best;
}

}  // namespace sparse
}  // namespace edgeprune
