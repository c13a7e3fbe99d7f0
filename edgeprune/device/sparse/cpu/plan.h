// A sparse convolution at one input size: everything that does not depend on the input's values.
#pragma once

#include <cstdlib>
#include <limits>
#include <memory>
#include <new>

#include "finish.h"
#include "geometry.h"
#include "pack.h"
#include "pool.h"
#include "walk.h"

namespace edgeprune {

// Memory that a thread keeps from call to call: fresh pages cost as much as a small convolution.
inline float* scratch(size_t floats) {
  struct Free {
    void operator()(float* memory) const { std::free(memory); }
  };
  static thread_local std::unique_ptr<float, Free> memory;
  static thread_local size_t size = 0;
  if (size < floats) {
    const size_t bytes = (floats * sizeof(float) + 4095) / 4096 * 4096;
    memory.reset(static_cast<float*>(std::aligned_alloc(4096, bytes)));
    size = memory ? floats : 0;
    if (!memory) throw std::bad_alloc();
  }
  return memory.get();
}

class Plan {
 public:
  // The arrays are those of VCSR, `values` as float; `values` and `bias` must outlive the plan. A
  // thread is used for every `least_work` multiplications, and one for the rest.
  Plan(const Conv& conv, const int32_t* seg, const uint16_t* off, const int32_t* perm,
       const float* values, const float* bias, int64_t budget, int64_t least_work)
      : conv_(conv), geometry_(conv, budget), values_(values), bias_(bias) {
    const int each = conv.outputs / conv.groups;
    const int rows = (each + conv.vector - 1) / conv.vector;
    const int tiles = (conv.channels + conv.channel_tile - 1) / conv.channel_tile;
    const int area = conv.kernel_height * conv.kernel_width;
    offsets_.reserve(size_t(seg[int64_t(conv.groups) * rows * tiles]));
    starts_.push_back(0);
    for (int place = 0; place < conv.groups * rows; ++place) {
      const int group = perm[place] / rows, row = perm[place] % rows;
      bases_.push_back(group * each + row * conv.vector);
      lanes_.push_back(std::min(conv.vector, each - row * conv.vector));
      for (int tile = 0; tile < tiles; ++tile) {
        const int first = group * conv.channels + tile * conv.channel_tile;
        const int64_t segment = int64_t(place) * tiles + tile;
        for (int32_t i = seg[segment]; i < seg[segment + 1]; ++i) {
          const int tap = off[i] % area;
          offsets_.push_back(lowered(first + off[i] / area, tap));
        }
      }
      starts_.push_back(int32_t(offsets_.size()));
    }
    const int64_t pixels = int64_t(conv.batch) * conv.out_height * conv.out_width;
    const int64_t work = int64_t(offsets_.size()) * conv.vector * pixels;
    most_threads_ = work / std::max<int64_t>(1, least_work) + 1;
  }

  void run(const float* input, const float* residual, float* output, int threads) const {
    if (conv_.batch == 0) return;
    threads = int(std::min<int64_t>(threads, most_threads_));
    const int images = (conv_.batch + geometry_.band_images - 1) / geometry_.band_images;
    const int strips = (conv_.out_height + geometry_.band_rows - 1) / geometry_.band_rows;
    const int bands = images * strips;
    // Each part packs the band for itself, which is little beside what it computes.
    const int parts = std::min(int(bases_.size()), std::max(1, (threads + bands - 1) / bands));
    parallel(bands * parts, threads, [&](int item) {
      const int band = item / parts, part = item % parts;
      const int image = band / strips * geometry_.band_images;
      const int row = band % strips * geometry_.band_rows;
      if (row >= conv_.out_height) return;
      const Band taken{image, std::min(geometry_.band_images, conv_.batch - image), row,
                       std::min(geometry_.band_rows, conv_.out_height - row)};
      compute(input, residual, output, taken, part, parts);
    });
  }

 private:
  int32_t lowered(int channel, int tap) const {
    const int64_t found =
        geometry_.offset(channel, tap / conv_.kernel_width, tap % conv_.kernel_width);
    if (found > std::numeric_limits<int32_t>::max()) throw std::length_error("offset");
    return int32_t(found);
  }

  void compute(const float* input, const float* residual, float* output, const Band& band,
               int part, int parts) const {
    const int64_t planes = int64_t(conv_.channels) * conv_.groups * geometry_.planes;
    const int64_t packed = planes * geometry_.plane;
    const int64_t pixels = int64_t(band.out_rows) * conv_.out_width;
    float* memory =
        scratch(size_t(packed + conv_.vector * geometry_.line + pixels + kWidth));
    float* sums = memory + packed;
    Packer(conv_, geometry_, input).pack(band, memory);
    const int64_t length = geometry_.length(band.images, band.out_rows);
    const int64_t line = (length + kWidth - 1) / kWidth * kWidth;
    const Finish finish{conv_, geometry_, bias_, residual, output};
    for (int place = begin_of(part, parts); place < begin_of(part + 1, parts); ++place) {
      const int32_t start = starts_[size_t(place)];
      const Columns columns{offsets_.data() + start, values_ + int64_t(start) * conv_.vector,
                            starts_[size_t(place) + 1] - start, conv_.vector};
      walk_group(memory, columns, lanes_[size_t(place)], sums, line);
      for (int lane = 0; lane < lanes_[size_t(place)]; ++lane) {
        finish.channel(sums + lane * line, band, bases_[size_t(place)] + lane,
                       sums + conv_.vector * geometry_.line);
      }
    }
  }

  // Parts with about as many columns each.
  int begin_of(int part, int parts) const {
    if (part == parts) return int(bases_.size());
    const int64_t wanted = int64_t(starts_.back()) * part / parts;
    return int(std::lower_bound(starts_.begin(), starts_.end() - 1, int32_t(wanted)) -
               starts_.begin());
  }

  Conv conv_;
  Geometry geometry_;
  const float* values_;
  const float* bias_;
  std::vector<int32_t> offsets_, starts_;
  std::vector<int> bases_, lanes_;
  int64_t most_threads_;
};

}  // namespace edgeprune
