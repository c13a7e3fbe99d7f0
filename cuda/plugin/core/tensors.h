// The tensors of a layer, without TensorRT's types.
#pragma once

#include <vector>

#include "packed_layer.h"
#include "plan/layer.h"

namespace edgeprune {
namespace plugin {

enum class Element : int { kFloat32, kFloat16, kOther };
enum class Arrangement : int { kLinear, kHwc8, kOther };

struct Tensor {
  std::vector<long long> sizes;  // (N, C, H, W), negative where still open
  Element element;
  Arrangement arrangement;
};

// Inputs, one or two of them with a residual, then the output.
using Tensors = std::vector<Tensor>;

// Whether there is a kernel for tensor `position` as it is, given the ones before it.
bool supports(const PackedLayer& packed, const Tensors& tensors, size_t position);

// How an output size comes from an input size: (size + pads - reach) / stride + 1.
struct Extent {
  int pads;
  int reach;
  int stride;
};
Extent height_extent(const sparse::Layer& layer);
Extent width_extent(const sparse::Layer& layer);

struct Case {
  sparse::Layer layer;  // with has_residual
  sparse::Problem problem;
};

// What is to be computed. Throws a Refusal where the tensors do not belong to the layer.
Case make_case(const PackedLayer& packed, const Tensors& tensors, int sm);

bool operator==(const Case& one, const Case& other);

}  // namespace plugin
}  // namespace edgeprune
