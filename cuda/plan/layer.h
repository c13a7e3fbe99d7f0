// What export fixes about a sparse convolution, and the problem it is then given.
#pragma once

namespace edgeprune {
namespace sparse {

enum class Activation : int { kNone = 0, kRelu = 1, kClip = 2 };
enum class DataType : int { kFloat32 = 0, kFloat16 = 1 };
// kLinear: [N][C][H][W]. kHwc8: [N][H][W][C], C padded to a multiple of 8, float16 only.
enum class Layout : int { kLinear = 0, kHwc8 = 1 };

struct Layer {
  int channels;        // C, of the whole input
  int outputs;         // K, output channels
  int kernel_height;   // KH
  int kernel_width;    // KW
  int stride_height;
  int stride_width;
  int pad_top;
  int pad_left;
  int pad_bottom;
  int pad_right;
  int dilation_height;
  int dilation_width;
  int groups;          // of the convolution
  int vector;          // V, output channels that share their columns
  int channel_tile;    // CT, input channels of a tile
  Activation activation;
  float clip_lower;    // with Activation::kClip
  float clip_upper;
  int has_bias;
  int has_residual;    // added before the activation, in the layout of the output
};

struct Problem {
  int batch;
  int height;          // of the input
  int width;
  DataType type;
  Layout layout;
  int sm;              // compute capability without its point: 87
};

inline int divide_up(int value, int by) { return (value + by - 1) / by; }
inline int size_of(DataType type) { return type == DataType::kFloat16 ? 2 : 4; }

// Input channels of one group of the convolution.
inline int group_channels(const Layer& layer) { return layer.channels / layer.groups; }
// Output channels of one group of the convolution.
inline int group_outputs(const Layer& layer) { return layer.outputs / layer.groups; }
// Groups of V output channels in one group of the convolution; the last may be partly empty.
inline int group_rows(const Layer& layer) {
  return divide_up(group_outputs(layer), layer.vector);
}
// Tiles of input channels in one group of the convolution.
inline int channel_tiles(const Layer& layer) {
  return divide_up(group_channels(layer), layer.channel_tile);
}

inline int output_height(const Layer& layer, const Problem& problem) {
  const int reach = (layer.kernel_height - 1) * layer.dilation_height + 1;
  const int room = problem.height + layer.pad_top + layer.pad_bottom - reach;
  return room < 0 ? 0 : room / layer.stride_height + 1;
}

inline int output_width(const Layer& layer, const Problem& problem) {
  const int reach = (layer.kernel_width - 1) * layer.dilation_width + 1;
  const int room = problem.width + layer.pad_left + layer.pad_right - reach;
  return room < 0 ? 0 : room / layer.stride_width + 1;
}

}  // namespace sparse
}  // namespace edgeprune
