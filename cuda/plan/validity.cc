#include "validity.h"

#include <algorithm>

#include "instantiations.h"
#include "vmma.h"

namespace edgeprune {
namespace sparse {
namespace {

std::string number(long long value) { return std::to_string(value); }

bool is_vector(int vector) {
  return vector == 1 || vector == 2 || vector == 4 || vector == 8 || vector == 32;
}

// From the compute capability on; CUDA C++ Programming Guide, technical specifications.
struct SharedLimit {
  int sm;
  int kilobytes;
};
const SharedLimit kSharedLimits[] = {
    {53, 48}, {70, 96}, {75, 64}, {80, 163}, {86, 99}, {87, 163}, {89, 99}, {90, 227}, {120, 99},
};

std::string check_tensor_cores(const Problem& problem) {
  if (problem.type != DataType::kFloat16) {
    return "a vector of 32 is for tensor cores, which take float16: run the layer dense, or pack it "
           "with a vector of 8";
  }
  if (problem.sm < kTensorSm) {
    return "a vector of 32 needs the tensor cores of sm_" + number(kTensorSm) +
           "; this is sm_" + number(problem.sm) + ": run the layer dense, or pack it with a vector "
           "of 8";
  }
  return "";
}

}  // namespace

int shared_limit(int sm) {
  int kilobytes = kDefaultSharedBytes / 1024;
  for (const SharedLimit& limit : kSharedLimits) {
    if (limit.sm <= sm) kilobytes = limit.kilobytes;
  }
  return kilobytes * 1024;
}

std::string check_layer(const Layer& layer) {
  if (layer.channels < 1 || layer.outputs < 1 || layer.groups < 1) {
    return "a convolution has at least one channel, one output and one group";
  }
  if (layer.channels % layer.groups != 0 || layer.outputs % layer.groups != 0) {
    return number(layer.channels) + " channels and " + number(layer.outputs) +
           " outputs do not make " + number(layer.groups) + " groups";
  }
  if (layer.kernel_height < 1 || layer.kernel_width < 1 || layer.stride_height < 1 ||
      layer.stride_width < 1 || layer.dilation_height < 1 || layer.dilation_width < 1) {
    return "kernel, strides and dilations are at least 1";
  }
  if (layer.pad_top < 0 || layer.pad_left < 0 || layer.pad_bottom < 0 || layer.pad_right < 0) {
    return "padding is not negative";
  }
  if (!is_vector(layer.vector)) {
    return "vector length " + number(layer.vector) + ": 1, 2, 4, 8 and 32 are packed";
  }
  const long long area = static_cast<long long>(layer.kernel_height) * layer.kernel_width;
  if (layer.channel_tile < 1 || layer.channel_tile * area > kOffsets) {
    return "channel tile " + number(layer.channel_tile) + ": with kernels of " + number(area) +
           " weights offsets of 16 bits reach 1 to " + number(kOffsets / area) + " channels";
  }
  if (layer.activation == Activation::kClip && !(layer.clip_lower <= layer.clip_upper)) {
    return "the lower bound of the clip is above the upper one";
  }
  return "";
}

std::string check_problem(const Layer& layer, const Problem& problem) {
  if (problem.batch < 1 || problem.height < 1 || problem.width < 1) {
    return "batch, height and width are at least 1";
  }
  if (output_height(layer, problem) < 1 || output_width(layer, problem) < 1) {
    return "the kernel is larger than the padded input of " + number(problem.height) + " x " +
           number(problem.width);
  }
  const long long limit = 1LL << 30;
  const long long plane = static_cast<long long>(problem.height) * problem.width;
  const long long output_plane =
      static_cast<long long>(output_height(layer, problem)) * output_width(layer, problem);
  if (plane * (layer.channels + 7) > limit || output_plane * (layer.outputs + 7) > limit) {
    return "an image of more than 2^30 numbers";
  }
  if (problem.layout == Layout::kHwc8 && problem.type != DataType::kFloat16) {
    return "kHWC8 holds float16 only";
  }
  if (on_tensor_cores(layer)) return check_tensor_cores(problem);
  return "";
}

namespace {

std::string check_vmma_tactic(const Layer& layer, const Problem& problem, const Tactic& tactic) {
  const int widest = kTensorPixels * maximum_warps(problem.sm);
  if (tactic.tile_columns < 1 || tactic.tile_columns > widest) {
    return "a tile of " + number(tactic.tile_columns) + " columns: use 1 to " +
           number(widest);
  }
  const int across = warps_across(std::min(tactic.tile_columns, output_width(layer, problem)));
  if (tactic.warps % across != 0) {
    return number(tactic.warps) + " warps: a tile of " + number(tactic.tile_columns) +
           " columns takes " + number(across) + " of them, or a multiple";
  }
  return "";
}

}  // namespace

std::string check_tactic(const Layer& layer, const Problem& problem, const Tactic& tactic) {
  if (!find_instantiation(layer, problem, tactic)) {
    return "no kernel is compiled for vector " + number(layer.vector) + ", " +
           number(tactic.groups_per_warp) + " groups per warp, " +
           number(tactic.pixels_per_lane) + " pixels per lane and a lane split of " +
           number(tactic.lane_split);
  }
  if (!on_tensor_cores(layer) &&
      (tactic.tile_columns < 1 || tactic.tile_columns > 32 / tactic.lane_split)) {
    return "a tile of " + number(tactic.tile_columns) + " columns: with a lane split of " +
           number(tactic.lane_split) + " use 1 to " + number(32 / tactic.lane_split);
  }
  const int most = maximum_warps(problem.sm);
  if (tactic.warps < 1 || tactic.warps > most) {
    return number(tactic.warps) + " warps: use 1 to " + number(most);
  }
  if (tactic.staging == Staging::kAsync && problem.sm < 80) {
    return "cp.async needs sm_80; this is sm_" + number(problem.sm);
  }
  return on_tensor_cores(layer) ? check_vmma_tactic(layer, problem, tactic) : "";
}

}  // namespace sparse
}  // namespace edgeprune
