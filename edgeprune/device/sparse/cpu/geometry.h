// How the input of a convolution is laid out so that every pixel of a band is one step to the next.
//
// Output pixels of a band of rows lie on one line, `pitch` apart from row to row. Along it the input
// of every tap (kh, kw) is the same line, moved by a constant: with a stride, rows and columns that
// are apart by it are planes of their own ("phases"). The zeros that pad a row's end pad the next
// row's beginning too, and likewise for images below each other.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "simd.h"

namespace edgeprune {

// As Python passes it, see kernel.py.
struct Conv {
  int32_t outputs, channels, kernel_height, kernel_width;  // channels: of one group
  int32_t vector, channel_tile, groups;
  int32_t stride_height, stride_width;
  int32_t pad_top, pad_left, pad_bottom, pad_right;
  int32_t dilation_height, dilation_width;
  int32_t batch, height, width, out_height, out_width;
  float low, high;
};

// One axis of the input: rows, or columns.
struct Axis {
  int size, stride, pad, dilation, taps, outputs;
  std::vector<int> phases;  // those that a tap reads

  Axis(int size, int stride, int pad, int dilation, int taps, int outputs)
      : size(size), stride(stride), pad(pad), dilation(dilation), taps(taps), outputs(outputs) {
    for (int tap = 0; tap < taps; ++tap) phases.push_back(phase_of(tap));
    std::sort(phases.begin(), phases.end());
    phases.erase(std::unique(phases.begin(), phases.end()), phases.end());
  }

  int phase_of(int tap) const { return tap * dilation % stride; }
  int place_of(int tap) const {
    return int(std::lower_bound(phases.begin(), phases.end(), phase_of(tap)) - phases.begin());
  }
  int step_of(int tap) const { return tap * dilation / stride; }
  int reach() const { return step_of(taps - 1); }
  int length() const { return outputs + reach(); }

  // The first place of a phase that holds a value of the input, and the one after the last.
  int first(int phase) const {
    return std::min(length(), std::max(0, (pad - phase + stride - 1) / stride));
  }
  int end(int phase) const {
    const int room = size - 1 + pad - phase;
    return room < 0 ? 0 : std::min(length(), room / stride + 1);
  }

  // Zeros at the end of one line that can be those at the beginning of the next.
  int shared() const {
    int zeros = length();
    for (int phase : phases) {
      const int begin = first(phase), after = std::max(begin, end(phase));
      zeros = std::min(zeros, std::min(begin, length() - after));
    }
    return zeros;
  }
};

struct Geometry {
  Axis rows, columns;
  int planes;         // of one channel
  int shared_rows, shared_columns;
  int pitch;          // from row to row
  int image_rows;     // from image to image
  int band_images, band_rows;  // of the output
  int64_t plane;      // floats from plane to plane
  int64_t line;       // floats of a band's outputs, up to whole vectors

  // A band is as many rows, or whole images, as fit into `budget` bytes.
  Geometry(const Conv& conv, int64_t budget)
      : rows(conv.height, conv.stride_height, conv.pad_top, conv.dilation_height,
             conv.kernel_height, conv.out_height),
        columns(conv.width, conv.stride_width, conv.pad_left, conv.dilation_width,
                conv.kernel_width, conv.out_width),
        planes(int(rows.phases.size() * columns.phases.size())),
        shared_rows(rows.shared()),
        shared_columns(columns.shared()),
        pitch(columns.length() - shared_columns),
        image_rows(rows.length() - shared_rows) {
    const int64_t row_bytes =
        int64_t(conv.channels) * conv.groups * planes * pitch * int64_t(sizeof(float));
    const int64_t fitting = std::max<int64_t>(1, budget / row_bytes - rows.reach());
    band_images = int(std::max<int64_t>(1, std::min<int64_t>(conv.batch, fitting / image_rows)));
    band_rows = conv.out_height;
    if (band_images == 1 && fitting < band_rows) {
      const int bands = int((band_rows + fitting - 1) / fitting);
      band_rows = (band_rows + bands - 1) / bands;
    }
    // An odd number of cache lines: powers of two would put all channels into the same few sets.
    const int64_t floats = int64_t(lines(band_images, band_rows)) * pitch + shared_columns + kWidth;
    plane = ((floats + 15) / 16 | 1) * 16;
    line = (length(band_images, band_rows) + kWidth - 1) / kWidth * kWidth;
  }

  // Packed rows of a band.
  int lines(int images, int out_rows) const {
    return (images - 1) * image_rows + out_rows + rows.reach();
  }
  // Places on its line, up to the last output.
  int64_t length(int images, int out_rows) const {
    return int64_t((images - 1) * image_rows + out_rows - 1) * pitch + columns.outputs;
  }
  // Where a tap of a channel begins.
  int64_t offset(int channel, int kh, int kw) const {
    const int place = rows.place_of(kh) * int(columns.phases.size()) + columns.place_of(kw);
    return (int64_t(channel) * planes + place) * plane + rows.step_of(kh) * pitch +
           columns.step_of(kw);
  }
};

}  // namespace edgeprune
