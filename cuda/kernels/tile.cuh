// Where a block is: its output tile, the input that this needs, and its channels.
#pragma once

#include "shape.cuh"

namespace edgeprune {
namespace sparse {

struct Tile {
  int image;
  int conv_group;
  int out_row, out_column;   // first of the output
  int rows, columns;         // of it that exist
  int in_row, in_column;     // first of the input; negative in the padding
  int top, bottom;           // input rows that exist and are staged: [top, bottom)
  int left, right;           // the same of columns
};

template <class Shape>
__device__ __forceinline__ Tile tile_of_block(const DirectArguments& a) {
  Tile tile;
  tile.image = block_z();
  tile.conv_group = block_y() / a.blocks_per_group;
  tile.out_row = block_x() / a.tiles_across * Shape::kPixels;
  tile.out_column = block_x() % a.tiles_across * a.tile_columns;
  tile.rows = smaller(Shape::kPixels, a.output_height - tile.out_row);
  tile.columns = smaller(a.tile_columns, a.output_width - tile.out_column);
  tile.in_row = tile.out_row * a.stride_height - a.pad_top;
  tile.in_column = tile.out_column * a.stride_width - a.pad_left;
  tile.top = a.whole_plane ? 0 : smaller(larger(tile.in_row, 0), a.height);
  tile.left = a.whole_width ? 0 : smaller(larger(tile.in_column, 0), a.width);
  tile.bottom =
      a.whole_plane ? a.height
                    : larger(tile.top, smaller(tile.in_row + a.input_rows, a.height));
  tile.right =
      a.whole_width ? a.width
                    : larger(tile.left, smaller(tile.in_column + a.input_columns, a.width));
  return tile;
}

// The tile in shared memory, from where it is read again where it is needed: registers are short.
class KeptTile {
 public:
  __device__ __forceinline__ explicit KeptTile(const Shared& at) : at_(at) {}

  __device__ __forceinline__ void store(const Tile& tile) const {
    put(0, tile.image, tile.conv_group, tile.out_row, tile.out_column);
    put(1, tile.rows, tile.columns, tile.in_row, tile.in_column);
    put(2, tile.top, tile.bottom, tile.left, tile.right);
  }

  __device__ __forceinline__ int rows() const { return number(four(1), 0); }

  __device__ __forceinline__ Tile load() const {
    const Bits<16> where = four(0), size = four(1), input = four(2);
    return {number(where, 0), number(where, 1), number(where, 2), number(where, 3),
            number(size, 0),  number(size, 1),  number(size, 2),  number(size, 3),
            number(input, 0), number(input, 1), number(input, 2), number(input, 3)};
  }

 private:
  __device__ __forceinline__ void put(int i, int a, int b, int c, int d) const {
    const Bits<16> numbers = {{static_cast<unsigned>(a), static_cast<unsigned>(b),
                               static_cast<unsigned>(c), static_cast<unsigned>(d)}};
    at_.store(16 * i, numbers);
  }
  __device__ __forceinline__ Bits<16> four(int i) const { return at_.load<Bits<16>>(16 * i); }
  static __device__ __forceinline__ int number(const Bits<16>& four, int i) {
    return static_cast<int>(four.part[i]);
  }

  Shared at_;
};

}  // namespace sparse
}  // namespace edgeprune
