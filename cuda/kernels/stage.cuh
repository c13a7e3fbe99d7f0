// The input of a tile of channels, from global memory to `raw`, as it lies there: whole runs of
// contiguous numbers, 16 aligned bytes at a time.
#pragma once

#include "tile.cuh"

namespace edgeprune {
namespace sparse {

// Copies 16 bytes, or what is left of the tensor. Both ends are aligned. (Loops of this file and of
// the next are not unrolled: the sums of all lanes are alive, and registers short.)
template <class Shape>
__device__ __forceinline__ void copy_chunk(const DirectArguments& a, const Shared& raw, int to,
                                           const Global<typename Shape::T>& x, long long from,
                                           long long total) {
  const long long left = total - from;
  const int numbers = left < Shape::kCopy ? static_cast<int>(left) : Shape::kCopy;
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

// Calls copy(run, chunk) for every aligned chunk of every run, spread over the block.
template <class Copy>
__device__ __forceinline__ void for_chunks(int runs, int chunks, const Copy& copy) {
  const int lanes = runs == 1 ? threads_of_block() : lanes_per_run(chunks);
  const int beside = threads_of_block() / lanes;
#pragma unroll 1
  for (int run = thread_in_block() / lanes; run < runs; run += beside) {
#pragma unroll 1
    for (int chunk = thread_in_block() % lanes; chunk < chunks; chunk += lanes) copy(run, chunk);
  }
}

// Where the first number of a tile of channels lies.
__device__ __forceinline__ long long first_linear(const DirectArguments& a, const Tile& tile,
                                                  int channel) {
  return ((static_cast<long long>(tile.image) * a.channels + channel) * a.height + tile.top) *
             a.width + tile.left;
}

template <class Shape>
__device__ __forceinline__ void stage_linear(const DirectArguments& a, const Tile& tile,
                                             const Shared& raw,
                                             const Global<typename Shape::T>& x,
                                             int first_channel, int channels) {
  const long long start = first_linear(a, tile, first_channel);
  const long long total = static_cast<long long>(a.batch) * a.channels * a.height * a.width;
  const int plane = a.height * a.width, rows = tile.bottom - tile.top;
  const int runs_of_channel = a.whole_width ? 1 : rows;
  const int runs = rows == 0 ? 0 : a.whole_plane ? 1 : channels * runs_of_channel;
  const int length = a.whole_plane ? channels * plane
                                   : (tile.right - tile.left) * (a.whole_width ? rows : 1);
  if (length == 0) return;
  const int chunks = (length + 2 * (Shape::kCopy - 1)) / Shape::kCopy;
  const int skew = static_cast<int>(start % Shape::kCopy);
  for_chunks(runs, chunks, [&](int run, int chunk) {
    const int channel = run / runs_of_channel, row = run - channel * runs_of_channel;
    const long long from = start + static_cast<long long>(channel) * plane + row * a.width;
    const int to = skew + channel * a.raw_channel_pitch + row * a.raw_row_pitch;
    const int behind = static_cast<int>(from % Shape::kCopy);
    const int at = chunk * Shape::kCopy - behind;
    if (at < length) copy_chunk<Shape>(a, raw, to + at, x, from + at, total);
  });
}

}  // namespace sparse
}  // namespace edgeprune
