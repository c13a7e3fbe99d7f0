#include "arrange.h"

#include <algorithm>
#include <cstring>

#include "bank_order.h"
#include "geometry.h"
#include "ring.h"
#include "vmma.h"

namespace edgeprune {
namespace sparse {
namespace {

constexpr int kWarpLanes = 32;
constexpr int kLanesOfRow = 4;                                        // of a fragment
constexpr int kPerLane = kTensorColumns / kLanesOfRow;                // columns that it gathers
constexpr uint16_t kNoColumn = 0xffff;                                // of a half step
constexpr int kHalves = kTensorVector / kTensorRows;                  // of the rows
constexpr int kFragment = kTensorRows * kTensorColumns / kWarpLanes;  // values of a lane
constexpr int kValues = kHalves * kWarpLanes * kFragment;             // of a step

// Where a fragment of mma.m16n8k16 holds the value of row `row` and column `4 * lane + i` of a step
// (PTX ISA, matrix fragments of .f16): registers a0 and a1 have the lane's first two columns, of rows
// l / 4 and l / 4 + 8, a2 and a3 the two others.
int place_in_step(int row, int lane, int i) {
  const int half = row / kTensorRows, in_half = row % kTensorRows;
  const int owner = in_half % 8 * kLanesOfRow + lane;
  const int number = i / 2 * 2 + in_half / 8;
  return (half * kWarpLanes + owner) * kFragment + number * 2 + i % 2;
}

std::vector<uint16_t> offsets_of(const ChannelRing& ring, const std::vector<int32_t>& columns) {
  std::vector<uint16_t> offsets;
  for (int32_t k : columns) offsets.push_back(ring.offset(k));
  return offsets;
}

std::vector<Quadruple> quadruples_of(const std::vector<uint16_t>& offsets, int whole,
                                     int quarter) {
  const int columns = static_cast<int>(offsets.size());
  return bank_order(offsets.data(), columns, round_up(columns, whole), quarter);
}

// Moves so many of the waiting columns to the front: those that are gathered together best. False
// where one of those that are due, which lie in front, is not among them.
bool choose(const ChannelRing& ring, int quarter, int32_t number, int32_t due,
            std::vector<int32_t>* waiting) {
  const std::vector<Quadruple> order =
      quadruples_of(offsets_of(ring, *waiting), kLanesOfRow, quarter);
  std::vector<int32_t> chosen, left;
  std::vector<bool> taken(waiting->size(), false);
  for (int32_t i = 0; i < number; ++i) {
    const int column = order[static_cast<size_t>(i / kLanesOfRow)].column[i % kLanesOfRow];
    taken[static_cast<size_t>(column)] = true;
  }
  for (size_t i = 0; i < waiting->size(); ++i) {
    if (!taken[i] && static_cast<int32_t>(i) < due) return false;
    (taken[i] ? chosen : left).push_back((*waiting)[i]);
  }
  chosen.insert(chosen.end(), left.begin(), left.end());
  *waiting = chosen;
  return true;
}

// A step's columns, one step behind the other.
class Steps {
 public:
  Steps(const uint16_t* val, int quarter) : val_(val), quarter_(quarter) {}

  // As few steps as hold them, of which the last may have half of the columns.
  void add(const ChannelRing& ring, const std::vector<int32_t>& columns) {
    const std::vector<uint16_t> offsets = offsets_of(ring, columns);
    const std::vector<Quadruple> order = quadruples_of(offsets, kTensorHalfStep, quarter_);
    for (size_t i = 0; i < order.size(); i += kPerLane) {
      const int quadruples = std::min(kPerLane, static_cast<int>(order.size() - i));
      add_step(columns, offsets, &order[i], quadruples);
    }
  }

  void end_segment() { seg_.push_back(static_cast<int32_t>(steps_)); }

  Arranged take() {
    Arranged arranged;
    arranged.seg = std::move(seg_);
    arranged.off = std::move(offsets_);
    arranged.val.resize(values_.size() * sizeof(uint16_t));
    if (!values_.empty()) std::memcpy(arranged.val.data(), values_.data(), arranged.val.size());
    return arranged;
  }

 private:
  // Quadruple i holds column i of each of the four lanes.
  void add_step(const std::vector<int32_t>& columns, const std::vector<uint16_t>& offsets,
                const Quadruple* quadruples, int count) {
    const size_t first_offset = offsets_.size(), first_value = values_.size();
    offsets_.resize(first_offset + kTensorColumns, kNoColumn);
    values_.resize(first_value + kValues);
    for (int lane = 0; lane < kLanesOfRow; ++lane) {
      for (int i = 0; i < count; ++i) {
        const size_t column = static_cast<size_t>(quadruples[i].column[lane]);
        offsets_[first_offset + static_cast<size_t>(kPerLane * lane + i)] = offsets[column];
        if (!quadruples[i].filled[lane]) continue;
        for (int row = 0; row < kTensorVector; ++row) {
          values_[first_value + static_cast<size_t>(place_in_step(row, lane, i))] =
              val_[static_cast<size_t>(columns[column]) * kTensorVector +
                   static_cast<size_t>(row)];
        }
      }
    }
    ++steps_;
  }

  const uint16_t* val_;
  int quarter_;
  int steps_ = 0;
  std::vector<int32_t> seg_{0};
  std::vector<uint16_t> offsets_;
  std::vector<uint16_t> values_;
};

Arranged in_steps(const Plan& plan, const int32_t* seg, size_t seg_length, const ChannelRing& ring,
                  const void* val) {
  const int quarter =
      words_of_quarter(word_bytes(plan.kernel->type, plan.kernel->pixels_per_lane));
  Steps steps(static_cast<const uint16_t*>(val), quarter);
  std::vector<int32_t> waiting;
  for (size_t s = 0; s + 1 < seg_length; ++s) {
    const int tile = static_cast<int>(s % static_cast<size_t>(ring.tiles()));
    for (int32_t k = seg[s]; k < seg[s + 1]; ++k) waiting.push_back(k);
    const auto behind_due = std::stable_partition(
        waiting.begin(), waiting.end(), [&](int32_t k) { return ring.due(k, tile); });
    const int32_t due = static_cast<int32_t>(behind_due - waiting.begin());
    const int32_t done = reach(0, static_cast<int32_t>(waiting.size()), due, kTensorColumns,
                               kTensorHalfStep);
    if (done % kTensorColumns == 0) choose(ring, quarter, done, due, &waiting);
    steps.add(ring, {waiting.begin(), waiting.begin() + done});
    steps.end_segment();
    waiting.erase(waiting.begin(), waiting.begin() + done);
  }
  return steps.take();
}

// The columns stay in their order; segments end where the walk through a tile does.
Arranged in_order(const Layer& layer, const Plan& plan, const int32_t* seg, size_t seg_length,
                  const ChannelRing& ring, const void* val) {
  const int32_t columns = seg[seg_length - 1];
  const int split = plan.kernel->lane_split;
  Arranged arranged;
  arranged.seg.push_back(seg[0]);
  for (size_t s = 0; s + 1 < seg_length; ++s) {
    const int tile = static_cast<int>(s % static_cast<size_t>(ring.tiles()));
    const int32_t done = arranged.seg.back();
    int32_t due = seg[s + 1];
    while (due > done && !ring.due(due - 1, tile)) --due;
    arranged.seg.push_back(reach(done, seg[s + 1], due, split, split));
  }
  for (int32_t k = 0; k < columns; ++k) arranged.off.push_back(ring.offset(k));
  if (!val) return arranged;
  const size_t bytes = static_cast<size_t>(columns) *
                       static_cast<size_t>(layer.vector * size_of(plan.kernel->type));
  const uint8_t* values = static_cast<const uint8_t*>(val);
  arranged.val.assign(values, values + bytes);
  return arranged;
}

}  // namespace

Arranged arrange_values(const Layer& layer, const Plan& plan, const int32_t* seg,
                        size_t seg_length, const uint16_t* lowered, const void* val) {
  const ChannelRing ring(layer, plan, seg, seg_length, lowered);
  return plan.kernel->family == Family::kDirect
             ? in_order(layer, plan, seg, seg_length, ring, val)
             : in_steps(plan, seg, seg_length, ring, val);
}

}  // namespace sparse
}  // namespace edgeprune
