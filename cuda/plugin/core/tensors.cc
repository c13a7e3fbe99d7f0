#include "tensors.h"

#include "plan/instantiations.h"
#include "plan/validity.h"
#include "refusal.h"

namespace edgeprune {
namespace plugin {
namespace {

sparse::DataType type_of(const Tensor& tensor) {
  return tensor.element == Element::kFloat16 ? sparse::DataType::kFloat16
                                             : sparse::DataType::kFloat32;
}

sparse::Layout layout_of(const Tensor& tensor) {
  return tensor.arrangement == Arrangement::kHwc8 ? sparse::Layout::kHwc8
                                                  : sparse::Layout::kLinear;
}

bool has_kernel(const PackedLayer& packed, const Tensor& tensor) {
  for (int i = 0; i < sparse::instantiation_count(); ++i) {
    const sparse::Instantiation& kernel = sparse::instantiations()[i];
    if (kernel.vector == packed.layer.vector && kernel.type == type_of(tensor) &&
        kernel.layout == layout_of(tensor)) {
      return true;
    }
  }
  return false;
}

bool same_kind(const Tensor& one, const Tensor& other) {
  return one.element == other.element && one.arrangement == other.arrangement;
}

std::string shape_text(const std::vector<long long>& sizes) {
  std::string text = "(";
  for (size_t i = 0; i < sizes.size(); ++i) text += (i == 0 ? "" : ", ") + number(sizes[i]);
  return text + ")";
}

void require_shape(const char* name, const Tensor& tensor, const std::vector<long long>& wanted) {
  if (tensor.sizes != wanted) {
    throw Refusal(std::string(name) + " has shape " + shape_text(tensor.sizes) + " where " +
                  shape_text(wanted) + " belongs");
  }
}

sparse::Problem problem_of(const PackedLayer& packed, const Tensor& x, int sm) {
  constexpr long long kMost = 1 << 20;
  if (x.sizes.size() != 4 || x.sizes[1] != packed.layer.channels) {
    throw Refusal("the input has shape " + shape_text(x.sizes) + " where (N, " +
                  number(packed.layer.channels) + ", H, W) belongs");
  }
  for (long long size : x.sizes) {
    if (size < 0 || size > kMost) {
      throw Refusal("the input has shape " + shape_text(x.sizes) + ", which no kernel serves");
    }
  }
  return {static_cast<int>(x.sizes[0]), static_cast<int>(x.sizes[2]),
          static_cast<int>(x.sizes[3]), type_of(x), layout_of(x), sm};
}

Extent extent(int pads, int kernel, int dilation, int stride) {
  return {pads, (kernel - 1) * dilation + 1, stride};
}

}  // namespace

bool supports(const PackedLayer& packed, const Tensors& tensors, size_t position) {
  const Tensor& tensor = tensors[position];
  if (tensor.element == Element::kOther || tensor.arrangement == Arrangement::kOther) return false;
  if (position > 0) return same_kind(tensor, tensors[0]);
  if (tensor.element == Element::kFloat16 && !packed.fits_float16) return false;
  return has_kernel(packed, tensor);
}

Extent height_extent(const sparse::Layer& layer) {
  return extent(layer.pad_top + layer.pad_bottom, layer.kernel_height, layer.dilation_height,
                layer.stride_height);
}

Extent width_extent(const sparse::Layer& layer) {
  return extent(layer.pad_left + layer.pad_right, layer.kernel_width, layer.dilation_width,
                layer.stride_width);
}

Case make_case(const PackedLayer& packed, const Tensors& tensors, int sm) {
  if (tensors.size() != 2 && tensors.size() != 3) {
    throw Refusal(number(static_cast<long long>(tensors.size()) - 1) +
                  " inputs where X, or X and a residual, belong");
  }
  for (size_t i = 0; i < tensors.size(); ++i) {
    if (!supports(packed, tensors, i)) {
      throw Refusal("tensor " + number(static_cast<long long>(i)) +
                    " is of a type or format that no kernel serves");
    }
  }
  Case result{packed.layer, problem_of(packed, tensors[0], sm)};
  result.layer.has_residual = tensors.size() == 3;
  require(sparse::check_problem(result.layer, result.problem));
  const std::vector<long long> output = {
      result.problem.batch, result.layer.outputs,
      sparse::output_height(result.layer, result.problem),
      sparse::output_width(result.layer, result.problem)};
  require_shape("the output", tensors.back(), output);
  if (result.layer.has_residual) require_shape("the residual", tensors[1], output);
  return result;
}

bool operator==(const Case& one, const Case& other) {
  const sparse::Problem &a = one.problem, &b = other.problem;
  return one.layer.has_residual == other.layer.has_residual && a.batch == b.batch &&
         a.height == b.height && a.width == b.width && a.type == b.type && a.layout == b.layout &&
         a.sm == b.sm;
}

}  // namespace plugin
}  // namespace edgeprune
