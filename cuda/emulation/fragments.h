// The matrices that the lanes of a warp hold in parts: mma.m16n8k16 on .f16 with sums in .f32, laid
// out as the PTX ISA's "Matrix Fragments for mma.m16n8k16 with floating point type" has it.
#pragma once

#include "half.h"
#include "machine.h"

namespace edgeprune {
namespace emulation {

// What one lane brings: d is both the sum that is added and the result.
struct Fragments {
  uint32_t a[4];
  uint32_t b[2];
  float* d;
};

constexpr unsigned kRows = 16, kPixels = 8, kColumns = 16;

struct Matrices {
  float a[kRows][kColumns];
  float b[kColumns][kPixels];
};

inline float half_of(uint32_t pair, unsigned which) {
  return widen({static_cast<uint16_t>(pair >> 16 * which)});
}

// a0..a7 of a lane: rows lane / 4, and 8 more for a2, a3, a6, a7; columns lane % 4 * 2, the next one
// for odd numbers, and 8 more from a4 on. b0..b3: the same columns, of pixel lane / 4.
inline void collect_fragments(const Fiber* warp, Matrices* matrices) {
  for (unsigned lane = 0; lane < kWarp; ++lane) {
    const Fragments& own = *warp[lane].fragments;
    for (unsigned i = 0; i < 8; ++i) {
      const unsigned row = lane / 4 + (i / 2 % 2 ? 8 : 0);
      const unsigned column = lane % 4 * 2 + i % 2 + (i >= 4 ? 8 : 0);
      matrices->a[row][column] = half_of(own.a[i / 2], i % 2);
    }
    for (unsigned i = 0; i < 4; ++i) {
      const unsigned column = lane % 4 * 2 + i % 2 + (i >= 2 ? 8 : 0);
      matrices->b[column][lane / 4] = half_of(own.b[i / 2], i % 2);
    }
  }
}

// All lanes of a warp have come. d0..d3 of a lane: rows lane / 4, and 8 more from d2 on; pixels
// lane % 4 * 2, the next one for odd numbers. Products of halves are exact, and their sum is rounded
// once here; devices round it in an order of their own.
inline void multiply_fragments(const Fiber* warp) {
  Matrices matrices;
  collect_fragments(warp, &matrices);
  for (unsigned lane = 0; lane < kWarp; ++lane) {
    for (unsigned i = 0; i < 4; ++i) {
      const unsigned row = lane / 4 + (i >= 2 ? 8 : 0), pixel = lane % 4 * 2 + i % 2;
      float& d = warp[lane].fragments->d[i];
      double sum = d;
      for (unsigned k = 0; k < kColumns; ++k) {
        sum += static_cast<double>(matrices.a[row][k]) * matrices.b[k][pixel];
      }
      d = static_cast<float>(sum);
    }
  }
}

}  // namespace emulation
}  // namespace edgeprune
