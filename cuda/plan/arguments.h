// What the kernel is passed: geometry that the host works out once, and the arrays.
#pragma once

namespace edgeprune {
namespace sparse {

// Shared memory of a block holds, in this order: `words`, the input tile as the inner loop reads
// it; `raw`, the tile as it lies in global memory (and, at the end, the results of each warp on
// their way out); `columns`, the weights that each warp is walking through; and `tile`, where the
// block is. Channel c of a group of the convolution lies in place c % ring_channels of `words`.
//
// A word holds `elements` rows of one input column, `word_height * stride_height` rows apart, so
// that one wide load brings a lane all rows that it works on: word (channel, i, column) has input
// rows i + e * word_height * stride_height. Columns are sorted by their phase, the remainder by the
// stride, so that neighbouring lanes read neighbouring words at any stride.
struct DirectArguments {
  // Sizes of the tensors.
  int batch;
  int channels;           // of the whole input
  int group_channels;     // of one group of the convolution
  int height;
  int width;
  int outputs;
  int group_outputs;
  int output_height;
  int output_width;
  int pixel_pitch_in;     // kHwc8: channels of a pixel, padded to 8
  int pixel_pitch_out;
  // Convolution.
  int stride_height;
  int stride_width;
  int pad_top;
  int pad_left;
  // Tiles.
  int tiles_across;       // blocks beside each other
  int tile_columns;       // output columns of a block
  int channel_tile;
  int channel_tiles;
  int blocks_per_group;   // blocks that share a group of the convolution
  // The tile as words.
  int ring_channels;      // that words has room for, see ring.h
  int word_rows;          // of a channel
  int word_pitch;         // words of a row: phases * phase_words
  int phase_words;
  int channel_words;      // from one channel to the next
  int lane_word_step;     // words from one to the next row of a lane
  // The tile as it lies in global memory; pitches in elements.
  int input_rows;         // of a tile, padding included
  int input_columns;
  int whole_width;        // the tile takes whole rows, so its rows are contiguous
  int whole_plane;        // it takes whole planes
  int raw_column_pitch;
  int raw_row_pitch;
  int raw_channel_pitch;
  // Bytes from the beginning of shared memory, and of one warp's part.
  int raw_offset;
  int scratch_bytes;
  int columns_offset;
  int columns_bytes;
  int tile_offset;
  int asynchronous;
  // The activation as bounds; infinite where there is none.
  float lower;
  float upper;
};

struct DirectPointers {
  const int* seg;            // (groups * tiles) + 1
  const unsigned short* off;  // lowered for the tactic, see lower.h
  const void* val;           // (columns, V) of the problem's type
  const int* slots;          // see lower.h: in which order blocks take the groups
  const float* bias;         // outputs; null for none
  const void* x;
  const void* residual;      // like y; null for none
  void* y;
};

}  // namespace sparse
}  // namespace edgeprune
