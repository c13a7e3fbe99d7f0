// The input of a tile of channels, from global memory to `raw`, as it lies there: whole runs of
// contiguous numbers, 16 aligned bytes at a time.
#pragma once

#include "tile.cuh"

namespace edgeprune {
namespace sparse {

// Copies 16 bytes, or what is left of the tensor, or nothing where not `there`. Both ends are aligned. (Loops of this file and of
// the next are not unrolled: the sums of all lanes are alive, and registers short.)
template <class Shape>
__device__ __forceinline__ void copy_chunk(const DirectArguments& a, const Shared& raw, int to,
                                           const Global<typename Shape::T>& x, int from,
                                           int total, bool there) {
  const int numbers = there ? smaller(total - from, Shape::kCopy) : 0;
  if (a.asynchronous) {
    copy_async(raw, to * Shape::kSize, x, from, numbers * Shape::kSize);
  } else if (numbers == Shape::kCopy) {
    raw.store(to * Shape::kSize, x.template as<Bits<16>>().load(from / Shape::kCopy));
  } else {
#pragma unroll 1
    for (int i = 0; i < numbers; ++i) raw.store((to + i) * Shape::kSize, x.load(from + i));
  }
}

// Lanes that copy a run together: a power of two, at least the 8 whose stores pass at once.
__device__ __forceinline__ int lanes_per_run(int chunks) {
  int lanes = 8;
  while (lanes < chunks && lanes < kLanes) lanes *= 2;
  return lanes;
}

// Calls copy(run, chunk) for every aligned chunk of every run, and some behind its end, spread over
// the block.
template <class Copy>
__device__ __forceinline__ void for_chunks(int runs, int chunks, const Copy& copy) {
  const int lanes = runs == 1 ? threads_of_block() : lanes_per_run(chunks);
  const int beside = threads_of_block() / lanes;
#pragma unroll 1
  for (int run = thread_in_block() / lanes; run < runs; run += beside) {
#pragma unroll 1
    for (int first = 0; first < chunks; first += lanes) {
      copy(run, first + thread_in_block() % lanes);
    }
  }
}

// An image from the last number on that is aligned like the tensor: its own begin `skew` behind it.
template <class T>
struct Image {
  Global<T> numbers;
  int skew;
  int length;  // up to the end of the image, and as much of those behind it as a copy takes

  __device__ __forceinline__ Image(const Global<T>& x, int index, int count, int size) : numbers(x) {
    constexpr int kCopy = 16 / static_cast<int>(sizeof(T));
    const long long first = static_cast<long long>(index) * size;
    skew = static_cast<int>(first % kCopy);
    numbers = x.from(first - skew);
    const long long behind = static_cast<long long>(count - index - 1) * size;
    length = skew + size + (behind < kCopy ? static_cast<int>(behind) : kCopy);
  }
};

// Where the first number of a tile of channels lies in its image.
__device__ __forceinline__ int first_linear(const DirectArguments& a, const Tile& tile,
                                            int channel) {
  return (channel * a.height + tile.top) * a.width + tile.left;
}

// The same as a remainder by the numbers in a copy, of the tensor.
template <class Shape>
__device__ __forceinline__ int skew_linear(const DirectArguments& a, const Tile& tile,
                                           int channel) {
  const long long image = static_cast<long long>(tile.image) * a.channels * a.height * a.width;
  return (static_cast<int>(image % Shape::kCopy) + first_linear(a, tile, channel)) % Shape::kCopy;
}

template <class Shape>
__device__ __forceinline__ void stage_linear(const DirectArguments& a, const Tile& tile,
                                             const Shared& raw,
                                             const Global<typename Shape::T>& x,
                                             int first_channel, int channels) {
  const int plane = a.height * a.width, rows = tile.bottom - tile.top;
  const int runs_of_channel = a.whole_width ? 1 : rows;
  const int runs = rows == 0 ? 0 : a.whole_plane ? 1 : channels * runs_of_channel;
  const int length = a.whole_plane ? channels * plane
                                   : (tile.right - tile.left) * (a.whole_width ? rows : 1);
  if (length == 0) return;
  const Image<typename Shape::T> image(x, tile.image, a.batch, a.channels * plane);
  const int start = image.skew + first_linear(a, tile, first_channel);
  const int skew = start % Shape::kCopy;
  const int chunks = (length + 2 * (Shape::kCopy - 1)) / Shape::kCopy;
  for_chunks(runs, chunks, [&](int run, int chunk) {
    const int channel = run / runs_of_channel, row = run - channel * runs_of_channel;
    const int from = start + channel * plane + row * a.width;
    const int to = skew + channel * a.raw_channel_pitch + row * a.raw_row_pitch;
    const int at = chunk * Shape::kCopy - from % Shape::kCopy;
    copy_chunk<Shape>(a, raw, to + at, image.numbers, from + at, image.length, at < length);
  });
}

}  // namespace sparse
}  // namespace edgeprune
