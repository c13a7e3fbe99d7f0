// The inner loops: columns of weights, and lines of pixels that they multiply.
#pragma once

#include <array>
#include <utility>

#include "simd.h"

namespace edgeprune {

// Columns of one group of output channels: an offset and `vector` values each.
struct Columns {
  const int32_t* offsets;
  const float* values;
  int count;
  int vector;
};

// Adds one column: the fewer of weights and pixels are held in registers, the others pass by.
template <int kLanes, int kVectors>
inline void add_column(const float* from, const float* values, Vector (&sum)[kLanes][kVectors]) {
  if constexpr (kLanes <= kVectors) {
    Vector weight[kLanes];
#pragma GCC unroll 8
    for (int k = 0; k < kLanes; ++k) {
      weight[k] = broadcast(values[k]);
      hold(weight[k]);
    }
#pragma GCC unroll 32
    for (int p = 0; p < kVectors; ++p) {
      Vector pixel = load(from + p * kWidth);
      if (kLanes > 1) hold(pixel);
#pragma GCC unroll 8
      for (int k = 0; k < kLanes; ++k) sum[k][p] += weight[k] * pixel;
    }
  } else {
    Vector pixel[kVectors];
#pragma GCC unroll 32
    for (int p = 0; p < kVectors; ++p) {
      pixel[p] = load(from + p * kWidth);
      hold(pixel[p]);
    }
#pragma GCC unroll 8
    for (int k = 0; k < kLanes; ++k) {
      Vector weight = broadcast(values[k]);
      if (kVectors > 1) hold(weight);
#pragma GCC unroll 32
      for (int p = 0; p < kVectors; ++p) sum[k][p] += weight * pixel[p];
    }
  }
}

// Sums of kLanes output channels at kVectors vectors of pixels stay in registers over all columns.
template <int kLanes, int kVectors>
void walk(const float* pixels, const Columns& columns, int lane, float* sums, int64_t line) {
  Vector sum[kLanes][kVectors] = {};
  const float* values = columns.values + lane;
  for (int i = 0; i < columns.count; ++i, values += columns.vector) {
    add_column<kLanes, kVectors>(pixels + columns.offsets[i], values, sum);
  }
#pragma GCC unroll 8
  for (int k = 0; k < kLanes; ++k) {
#pragma GCC unroll 32
    for (int p = 0; p < kVectors; ++p) store(sums + k * line + p * kWidth, sum[k][p]);
  }
}

using Walk = void (*)(const float*, const Columns&, int, float*, int64_t);

template <int kLanes>
constexpr int most_vectors() {
  return kSums / kLanes < 1 ? 1 : kSums / kLanes;
}

template <int kLanes, size_t... kCounts>
constexpr std::array<Walk, sizeof...(kCounts)> walks(std::index_sequence<kCounts...>) {
  return {{walk<kLanes, int(kCounts) + 1>...}};
}

// All vectors of a line, in blocks that differ by one vector at most.
template <int kLanes>
void walk_line(const float* pixels, const Columns& columns, int lane, float* sums, int64_t line) {
  constexpr int kMost = most_vectors<kLanes>();
  static constexpr auto kWalks = walks<kLanes>(std::make_index_sequence<kMost>());
  const int64_t vectors = line / kWidth;
  const int64_t blocks = (vectors + kMost - 1) / kMost;
  int64_t done = 0;
  for (int64_t block = 0; block < blocks; ++block) {
    const int64_t count = (vectors - done + (blocks - block) - 1) / (blocks - block);
    kWalks[size_t(count - 1)](pixels + done * kWidth, columns, lane, sums + done * kWidth, line);
    done += count;
  }
}

// Every lane of a group; 32 lanes are walked 8 at a time, for want of registers.
inline void walk_group(const float* pixels, const Columns& columns, int lanes, float* sums,
                       int64_t line) {
  for (int lane = 0; lane < lanes;) {
    float* to = sums + lane * line;
    const int left = std::min(columns.vector, 8);
    if (left == 8) {
      walk_line<8>(pixels, columns, lane, to, line);
    } else if (left == 4) {
      walk_line<4>(pixels, columns, lane, to, line);
    } else if (left == 2) {
      walk_line<2>(pixels, columns, lane, to, line);
    } else {
      walk_line<1>(pixels, columns, lane, to, line);
    }
    lane += left;
  }
}

}  // namespace edgeprune
