// Copies a band of the input into the layout of geometry.h.
#pragma once

#include "geometry.h"

namespace edgeprune {

struct Band {
  int first_image, images, first_row, out_rows;
};

class Packer {
 public:
  Packer(const Conv& conv, const Geometry& geometry, const float* input)
      : conv_(conv), at_(geometry), input_(input) {
    const int64_t plane = int64_t(conv.height) * conv.width;
    end_ = input + int64_t(conv.batch) * conv.channels * conv.groups * plane;
  }

  // Rows are written one after the other, each over what the one before wrote beyond its end.
  void pack(const Band& band, float* packed) const {
    const int channels = conv_.channels * conv_.groups;
    const int64_t plane = int64_t(conv_.height) * conv_.width;
    for (int channel = 0; channel < channels; ++channel) {
      const float* source = input_ + (int64_t(band.first_image) * channels + channel) * plane;
      for (int phase_row : at_.rows.phases) {
        for (int phase_column : at_.columns.phases) {
          pack_plane(source, plane * channels, band, phase_row, phase_column, packed);
          packed += at_.plane;
        }
      }
    }
  }

 private:
  void pack_plane(const float* source, int64_t image, const Band& band, int phase_row,
                  int phase_column, float* to) const {
    const int first = at_.columns.first(phase_column);
    const int count = std::max(0, at_.columns.end(phase_column) - first);
    const int column = first * at_.columns.stride + phase_column - at_.columns.pad;
    const int lines = at_.lines(band.images, band.out_rows);
    for (int line = 0; line < lines; ++line, to += at_.pitch) {
      // With several images the rows that two of them share are zeros, and count as the second's.
      const int number = std::min(line / at_.image_rows, band.images - 1);
      const int row = band.first_row + line - number * at_.image_rows;
      const bool inside = row >= at_.rows.first(phase_row) && row < at_.rows.end(phase_row);
      const int taken = inside ? row * at_.rows.stride + phase_row - at_.rows.pad : 0;
      const float* from = source + number * image + int64_t(taken) * conv_.width + column;
      const int copied = inside ? count : 0;
      clear_loosely(to, first);
      if (copied) copy(to + first, from, copied);
      clear_loosely(to + first + copied, at_.pitch - first - copied);
    }
    std::fill_n(to, at_.shared_columns + kWidth, 0.0f);
  }

  void copy(float* to, const float* from, int count) const {
    const int stride = conv_.stride_width;
    const int whole = (count + kWidth - 1) / kWidth * kWidth;
    if (stride <= 2 && end_ - from >= int64_t(whole) * stride) {
      if (stride == 1) copy_loosely(to, from, count);
      if (stride == 2) copy_every_second_loosely(to, from, count);
    } else {
      for (int i = 0; i < count; ++i) to[i] = from[int64_t(i) * stride];
    }
  }

  const Conv& conv_;
  const Geometry& at_;
  const float* input_;
  const float* end_;
};

}  // namespace edgeprune
