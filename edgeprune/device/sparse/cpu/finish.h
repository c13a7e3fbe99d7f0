// Bias, residual and activation, on the way from a line of sums to the rows of the output.
#pragma once

#include "pack.h"

namespace edgeprune {

struct Finish {
  const Conv& conv;
  const Geometry& at;
  const float* bias;
  const float* residual;
  float* output;

  // One output channel of a band. `room` takes a band's pixels and kWidth floats more.
  void channel(const float* sums, const Band& band, int number, float* room) const {
    const float added = bias ? bias[number] : 0.0f;
    const int64_t pixels = int64_t(band.out_rows) * conv.out_width;
    for (int image = 0; image < band.images; ++image) {
      const int64_t plane = int64_t(band.first_image + image) * conv.outputs + number;
      const int64_t place = (plane * conv.out_height + band.first_row) * conv.out_width;
      const float* from = sums + int64_t(image) * at.image_rows * at.pitch;
      // Short rows one by one would seldom fill a vector; the output's rows follow each other.
      if (at.pitch != conv.out_width) {
        for (int row = 0; row < band.out_rows; ++row) {
          copy_loosely(room + int64_t(row) * conv.out_width, from + int64_t(row) * at.pitch,
                       conv.out_width);
        }
        from = room;
      }
      apply(from, added, residual ? residual + place : nullptr, output + place, pixels);
    }
  }

  void apply(const float* __restrict from, float added, const float* __restrict more,
             float* __restrict to, int64_t count) const {
    const float low = conv.low, high = conv.high;
    for (int64_t i = 0; i < count; ++i) {
      float value = from[i] + added;
      if (more) value += more[i];
      // What is not a number stays so: both comparisons are false.
      value = value < low ? low : value;
      to[i] = value > high ? high : value;
    }
  }
};

}  // namespace edgeprune
