// From `raw` to `words`: every word gathers the rows that one load of the inner loop brings, zeros
// where they lie in the padding.
#pragma once

#include "tile.cuh"

namespace edgeprune {
namespace sparse {

// Packs `load(e)`, the rows of a word.
template <class Word, class Load>
__device__ __forceinline__ Word gather(float, const Load& load) {
  Word word;
#pragma unroll
  for (int i = 0; i < static_cast<int>(sizeof(Word)) / 4; ++i) word.part[i] = bits_of(load(i));
  return word;
}
template <class Word, class Load>
__device__ __forceinline__ Word gather(half, const Load& load) {
  Word word;
#pragma unroll
  for (int i = 0; i < static_cast<int>(sizeof(Word)) / 4; ++i) {
    word.part[i] = bits_of(load(2 * i), load(2 * i + 1));
  }
  return word;
}

// Where a word of a channel takes its numbers from.
struct Origin {
  unsigned there;   // bit e: its row e exists
  int at;           // in raw, of row 0 of the word
  int position;     // of the word in its channel; -1 where there is none
};

template <class Shape>
__device__ __forceinline__ Origin origin_of(const DirectArguments& a, const Tile& tile,
                                            int position, int skew) {
  const int row = position / a.word_pitch, rest = position - row * a.word_pitch;
  const int phase = rest / a.phase_words, step = rest - phase * a.phase_words;
  const int column = tile.in_column + step * a.stride_width + phase;
  Origin origin;
  origin.there = 0;
  origin.position = position < a.word_rows * a.word_pitch ? position : -1;
  origin.at = skew + (tile.in_row + row - tile.top) * a.raw_row_pitch +
              (column - tile.left) * a.raw_column_pitch;
  if (origin.position < 0 || column < tile.left || column >= tile.right) return origin;
#pragma unroll
  for (int e = 0; e < Shape::kElements; ++e) {
    const int in_tile = row + e * Shape::kWordHeight * a.stride_height;
    const int y = tile.in_row + in_tile;
    if (in_tile < a.input_rows && y >= tile.top && y < tile.bottom) origin.there |= 1u << e;
  }
  return origin;
}

// `channel` of the tile, whose first one has its place in the ring of words.
template <class Shape>
__device__ __forceinline__ void spread_word(const DirectArguments& a, const Shared& words,
                                            const Shared& raw, const Origin& origin, int channel,
                                            int place) {
  using T = typename Shape::T;
  const int at = origin.at + channel * a.raw_channel_pitch;
  const int step = Shape::kWordHeight * a.stride_height * a.raw_row_pitch;
  const typename Shape::Word word = gather<typename Shape::Word>(
      from_f<T>(0.0f),
      [&](int e) {
        return raw.template load_if<T>(origin.there >> e & 1u, (at + e * step) * Shape::kSize);
      });
  const int beyond = place + channel - a.ring_channels;
  const int own = beyond < 0 ? place + channel : beyond;
  words.store_if(origin.position >= 0,
                 (own * a.channel_words + origin.position) * Shape::kWordBytes, word);
}

// Where raw has rows apart, a warp stays in one row of words, so that its lanes read neighbours.
__device__ __forceinline__ int position_of(const DirectArguments& a, int part, int lane) {
  if (a.whole_width) return part * kLanes + lane;
  const int parts_of_row = divide_rounding_up(a.word_pitch, kLanes);
  const int row = part / parts_of_row, column = (part - row * parts_of_row) * kLanes + lane;
  return column < a.word_pitch ? row * a.word_pitch + column : -1;
}

// A lane keeps its place in the channel and goes through the channels; warps that are left over take
// their share of the channels.
template <class Shape>
__device__ __forceinline__ void spread_linear(const DirectArguments& a, const Tile& tile,
                                              const Shared& words, const Shared& raw, int skew,
                                              int channels, int place) {
  const int warps = threads_of_block() / kLanes, warp = thread_in_block() / kLanes;
  const int parts = a.whole_width
                        ? divide_rounding_up(a.word_rows * a.word_pitch, kLanes)
                        : a.word_rows * divide_rounding_up(a.word_pitch, kLanes);
  const int share = larger(1, warps / parts);
#pragma unroll 1
  for (int task = warp; task < parts * share; task += warps) {
    const int position = position_of(a, task % parts, thread_in_block() % kLanes);
    const Origin origin = origin_of<Shape>(a, tile, position, skew);
#pragma unroll 1
    for (int channel = task / parts; channel < channels; channel += share) {
      spread_word<Shape>(a, words, raw, origin, channel, place);
    }
  }
}

}  // namespace sparse
}  // namespace edgeprune
