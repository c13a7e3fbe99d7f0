#include "arrange.h"

#include <algorithm>
#include <cstring>

#include "bank_order.h"
#include "geometry.h"
#include "vmma.h"

namespace edgeprune {
namespace sparse {
namespace {

constexpr int kWarpLanes = 32;
constexpr int kLanesOfRow = 4;                                        // of a fragment
constexpr int kPerLane = kTensorColumns / kLanesOfRow;                // columns that it gathers
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

class Arranger {
 public:
  Arranger(const uint16_t* off, const uint16_t* val, int quarter)
      : off_(off), val_(val), quarter_(quarter) {}

  void add_segment(int first, int columns) {
    const std::vector<Quadruple> order = bank_order(off_ + first, columns, quarter_);
    for (size_t i = 0; i < order.size(); i += kPerLane) add_step(first, &order[i]);
    seg_.push_back(static_cast<int32_t>(steps_));
  }

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
  void add_step(int first, const Quadruple* quadruples) {
    const size_t offsets = offsets_.size(), values = values_.size();
    offsets_.resize(offsets + kTensorColumns);
    values_.resize(values + kValues);
    for (int lane = 0; lane < kLanesOfRow; ++lane) {
      for (int i = 0; i < kPerLane; ++i) {
        const size_t column = static_cast<size_t>(first + quadruples[i].column[lane]);
        offsets_[offsets + static_cast<size_t>(kPerLane * lane + i)] = off_[column];
        if (!quadruples[i].filled[lane]) continue;
        for (int row = 0; row < kTensorVector; ++row) {
          values_[values + static_cast<size_t>(place_in_step(row, lane, i))] =
              val_[column * kTensorVector + static_cast<size_t>(row)];
        }
      }
    }
    ++steps_;
  }

  const uint16_t* off_;
  const uint16_t* val_;
  int quarter_;
  int steps_ = 0;
  std::vector<int32_t> seg_{0};
  std::vector<uint16_t> offsets_;
  std::vector<uint16_t> values_;
};

Arranged copied(const Layer& layer, const Plan& plan, const int32_t* seg, size_t seg_length,
                const uint16_t* lowered, const void* val) {
  const size_t columns = static_cast<size_t>(seg[seg_length - 1]);
  const size_t bytes = columns * static_cast<size_t>(layer.vector * size_of(plan.kernel->type));
  const uint8_t* values = static_cast<const uint8_t*>(val);
  Arranged arranged;
  arranged.seg.assign(seg, seg + seg_length);
  arranged.off.assign(lowered, lowered + columns);
  arranged.val.assign(values, values + bytes);
  return arranged;
}

}  // namespace

Arranged arrange_values(const Layer& layer, const Plan& plan, const int32_t* seg,
                        size_t seg_length, const uint16_t* lowered, const void* val) {
  if (plan.kernel->family == Family::kDirect) {
    return copied(layer, plan, seg, seg_length, lowered, val);
  }
  const int bytes = word_bytes(plan.kernel->type, plan.kernel->pixels_per_lane);
  Arranger arranger(lowered, static_cast<const uint16_t*>(val), words_of_quarter(bytes));
  for (size_t s = 0; s + 1 < seg_length; ++s) {
    arranger.add_segment(seg[s], seg[s + 1] - seg[s]);
  }
  return arranger.take();
}

}  // namespace sparse
}  // namespace edgeprune
