#include "bank_order.h"

#include <algorithm>
#include <array>

#include "vmma.h"

namespace edgeprune {
namespace sparse {
namespace {

constexpr int kTogether = 4;

// Columns that are left: by the place in a quarter of the banks, and by the quarter.
class Bins {
 public:
  Bins(const uint16_t* offsets, int columns, int quarter) : bins_(static_cast<size_t>(quarter)) {
    for (int i = columns - 1; i >= 0; --i) {
      const int place = offsets[i] % quarter, which = offsets[i] / quarter % kTogether;
      bins_[static_cast<size_t>(place)][static_cast<size_t>(which)].push_back(i);
    }
  }

  // The place with columns in the most quarters; of such ones, that with the most columns.
  size_t best_place() const {
    size_t best = 0;
    for (size_t place = 1; place < bins_.size(); ++place) {
      if (rank(place) > rank(best)) best = place;
    }
    return best;
  }

  // Takes one column of each quarter of a place.
  void take_place(size_t place, std::vector<int>* taken) {
    for (std::vector<int>& bin : bins_[place]) {
      if (bin.empty()) continue;
      taken->push_back(bin.back());
      bin.pop_back();
    }
  }

  // Takes the column that meets the taken ones in the fewest banks; of such ones, one of the
  // fullest bin.
  int take_beside(const uint16_t* offsets, const std::vector<int>& taken) {
    std::vector<int>* best = nullptr;
    int fewest = 0;
    for (auto& place : bins_) {
      for (std::vector<int>& bin : place) {
        if (bin.empty()) continue;
        const int met = meetings(offsets, taken, bin.back());
        if (best && (met > fewest || (met == fewest && bin.size() <= best->size()))) continue;
        best = &bin;
        fewest = met;
      }
    }
    const int column = best->back();
    best->pop_back();
    return column;
  }

 private:
  // Of the taken columns, those whose words share banks with this one's.
  int meetings(const uint16_t* offsets, const std::vector<int>& taken, int column) const {
    const int quarter = static_cast<int>(bins_.size()), all = kTogether * quarter;
    int met = 0;
    for (int other : taken) {
      const int apart = (offsets[column] % all - offsets[other] % all + all) % all;
      met += apart < quarter || apart > all - quarter ? 1 : 0;
    }
    return met;
  }

  // More quarters first, then more columns.
  size_t rank(size_t place) const {
    size_t quarters = 0, columns = 0;
    for (const std::vector<int>& bin : bins_[place]) {
      quarters += bin.empty() ? 0 : 1;
      columns += bin.size();
    }
    return quarters << 32 | columns;
  }

  std::vector<std::array<std::vector<int>, kTogether>> bins_;
};

Quadruple quadruple_of(const std::vector<int>& taken) {
  Quadruple made;
  for (size_t i = 0; i < kTogether; ++i) {
    made.filled[i] = i < taken.size();
    // The same word for two lanes is one access.
    made.column[i] = made.filled[i] ? taken[i] : taken[0];
  }
  return made;
}

}  // namespace

std::vector<Quadruple> bank_order(const uint16_t* offsets, int columns, int places, int quarter) {
  int spare = places - columns;
  Bins bins(offsets, columns, quarter);
  std::vector<Quadruple> order;
  int left = columns;
  for (int i = 0; i < places / kTogether; ++i) {
    std::vector<int> taken;
    if (left > 0) bins.take_place(bins.best_place(), &taken);
    left -= static_cast<int>(taken.size());
    // Places without a column are left free while there are any to spare.
    while (static_cast<int>(taken.size()) + spare < kTogether && left > 0) {
      taken.push_back(bins.take_beside(offsets, taken));
      --left;
    }
    spare -= kTogether - static_cast<int>(taken.size());
    if (taken.empty()) {
      order.push_back(order.back());
      std::fill_n(order.back().filled, kTogether, false);
    } else {
      order.push_back(quadruple_of(taken));
    }
  }
  return order;
}

}  // namespace sparse
}  // namespace edgeprune
