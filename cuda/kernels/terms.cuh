// The arithmetic of one column: V weights times the P numbers of a lane, onto V x P sums in float32.
// Row e * kWordHeight + q of the lane is element e of its word q.
#pragma once

#include "columns.cuh"

namespace edgeprune {
namespace sparse {

template <class Shape>
using Sums = float[Shape::kVector][Shape::kPixels];

// The numbers of a lane that one column multiplies.
template <class Shape>
struct Inputs {
  typename Shape::Word word[Shape::kWordHeight];

  __device__ __forceinline__ Inputs(const DirectArguments& a, const Shared& words, int at) {
#pragma unroll
    for (int q = 0; q < Shape::kWordHeight; ++q) {
      word[q] = words.template load<typename Shape::Word>((at + q * a.lane_word_step) *
                                                          Shape::kWordBytes);
    }
  }
};

template <class Shape, class T, bool PAIRS>
class Terms;

// float32 adds to the sums at once.
template <class Shape, bool PAIRS>
class Terms<Shape, float, PAIRS> {
 public:
  static constexpr int kRun = 1 << 24;

  __device__ __forceinline__ explicit Terms(Sums<Shape>& sums) : sums_(sums) {}
  __device__ __forceinline__ void flush() {}

  __device__ __forceinline__ void add(const Inputs<Shape>& x, const Ring<Shape>& ring,
                                      int column) {
    constexpr int kPart = Shape::kVector < 4 ? Shape::kVector : 4;
#pragma unroll
    for (int first = 0; first < Shape::kVector; first += kPart) {
      const auto w = ring.values(column, first / kPart);
#pragma unroll
      for (int r = 0; r < Shape::kPixels; ++r) {
        const float input =
            as_float(x.word[r % Shape::kWordHeight].part[r / Shape::kWordHeight]);
#pragma unroll
        for (int v = 0; v < kPart; ++v) {
          float& sum = sums_[first + v][r];
          sum = multiply_add(as_float(w.part[v]), input, sum);
        }
      }
    }
  }

 private:
  Sums<Shape>& sums_;
};

// float16 with neighbouring outputs in a pair, so that no pixel has to find a partner. At most 16
// terms are added in float16.
template <class Shape>
class Terms<Shape, half, true> {
 public:
  static constexpr int kRun = 16;

  __device__ __forceinline__ explicit Terms(Sums<Shape>& sums) : sums_(sums) { clear(); }

  __device__ __forceinline__ void add(const Inputs<Shape>& x, const Ring<Shape>& ring,
                                      int column) {
    const auto w = ring.values(column, 0);
#pragma unroll
    for (int r = 0; r < Shape::kPixels; ++r) {
      const half2 pair = as_half2(x.word[0].part[r / 2]);
      const half2 input = r % 2 ? twice_high(pair) : twice_low(pair);
#pragma unroll
      for (int j = 0; j < Shape::kVector / 2; ++j) {
        terms_[j][r] = multiply_add(as_half2(w.part[j]), input, terms_[j][r]);
      }
    }
  }

  __device__ __forceinline__ void flush() {
#pragma unroll
    for (int j = 0; j < Shape::kVector / 2; ++j) {
#pragma unroll
      for (int r = 0; r < Shape::kPixels; ++r) {
        sums_[2 * j][r] += low_f(terms_[j][r]);
        sums_[2 * j + 1][r] += high_f(terms_[j][r]);
      }
    }
    clear();
  }

 private:
  __device__ __forceinline__ void clear() {
#pragma unroll
    for (int j = 0; j < Shape::kVector / 2; ++j) {
#pragma unroll
      for (int r = 0; r < Shape::kPixels; ++r) terms_[j][r] = zero_half2();
    }
  }

  Sums<Shape>& sums_;
  half2 terms_[Shape::kVector / 2][Shape::kPixels];
};

// float16 with one output: two rows in a pair.
template <class Shape>
class Terms<Shape, half, false> {
 public:
  static constexpr int kRun = 16;
  static constexpr int kPairs = (Shape::kPixels + 1) / 2;

  __device__ __forceinline__ explicit Terms(Sums<Shape>& sums) : sums_(sums) { clear(); }

  __device__ __forceinline__ void add(const Inputs<Shape>& x, const Ring<Shape>& ring,
                                      int column) {
    const half2 w = twice_low(as_half2(ring.values(column, 0).part[0]));
#pragma unroll
    for (int i = 0; i < kPairs; ++i) {
      terms_[i] = multiply_add(w, as_half2(x.word[0].part[i]), terms_[i]);
    }
  }

  __device__ __forceinline__ void flush() {
#pragma unroll
    for (int r = 0; r < Shape::kPixels; ++r) {
      sums_[0][r] += r % 2 ? high_f(terms_[r / 2]) : low_f(terms_[r / 2]);
    }
    clear();
  }

 private:
  __device__ __forceinline__ void clear() {
#pragma unroll
    for (int i = 0; i < kPairs; ++i) terms_[i] = zero_half2();
  }

  Sums<Shape>& sums_;
  half2 terms_[kPairs];
};

template <class Shape>
using TermsOf = Terms<Shape, typename Shape::T, (Shape::kVector > 1)>;

}  // namespace sparse
}  // namespace edgeprune
