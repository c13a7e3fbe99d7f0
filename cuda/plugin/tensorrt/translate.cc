#include "translate.h"

#include "../core/refusal.h"

namespace edgeprune {
namespace plugin {
namespace {

using nvinfer1::PluginFieldType;

constexpr bool same(FieldType ours, PluginFieldType theirs) {
  return static_cast<int>(ours) == static_cast<int>(theirs);
}
static_assert(same(FieldType::kFloat16, PluginFieldType::kFLOAT16) &&
                  same(FieldType::kFloat32, PluginFieldType::kFLOAT32) &&
                  same(FieldType::kInt32, PluginFieldType::kINT32) &&
                  same(FieldType::kChar, PluginFieldType::kCHAR),
              "the numbers of the types of fields");

Element to_element(nvinfer1::DataType type) {
  if (type == nvinfer1::DataType::kFLOAT) return Element::kFloat32;
  return type == nvinfer1::DataType::kHALF ? Element::kFloat16 : Element::kOther;
}

Arrangement to_arrangement(nvinfer1::TensorFormat format) {
  if (format == nvinfer1::TensorFormat::kLINEAR) return Arrangement::kLinear;
  return format == nvinfer1::TensorFormat::kHWC8 ? Arrangement::kHwc8 : Arrangement::kOther;
}

const nvinfer1::IDimensionExpr* output_size(const Extent& extent,
                                            const nvinfer1::IDimensionExpr& input,
                                            nvinfer1::IExprBuilder& builder) {
  using Operation = nvinfer1::DimensionOperation;
  // (input + pads - reach) / stride + 1, with the one drawn into the division.
  const int added = extent.pads - extent.reach + extent.stride;
  const auto* sum = builder.operation(Operation::kSUM, input, *builder.constant(added));
  return builder.operation(Operation::kFLOOR_DIV, *sum, *builder.constant(extent.stride));
}

std::vector<nvinfer1::PluginField> make_announced() {
  std::vector<nvinfer1::PluginField> fields;
  for (const FieldInfo& info : known_fields()) {
    fields.emplace_back(info.name, nullptr, static_cast<PluginFieldType>(info.type), 1);
  }
  return fields;
}

}  // namespace

Fields to_fields(const nvinfer1::PluginFieldCollection* collection) {
  if (collection == nullptr || collection->nbFields < 0 ||
      (collection->nbFields > 0 && collection->fields == nullptr)) {
    throw Refusal("it is created without fields");
  }
  Fields fields;
  for (int32_t i = 0; i < collection->nbFields; ++i) {
    const nvinfer1::PluginField& field = collection->fields[i];
    fields.push_back({field.name, field.data, static_cast<FieldType>(field.type), field.length});
  }
  return fields;
}

std::vector<nvinfer1::PluginField> to_plugin_fields(const Fields& fields) {
  std::vector<nvinfer1::PluginField> result;
  for (const Field& field : fields) {
    result.emplace_back(field.name, field.data, static_cast<PluginFieldType>(field.type),
                        field.length);
  }
  return result;
}

const nvinfer1::PluginFieldCollection* announced_fields() {
  static const std::vector<nvinfer1::PluginField> fields = make_announced();
  static const nvinfer1::PluginFieldCollection collection = {static_cast<int32_t>(fields.size()),
                                                             fields.data()};
  return &collection;
}

Tensor to_tensor(const nvinfer1::PluginTensorDesc& description) {
  const nvinfer1::Dims& dims = description.dims;
  return {std::vector<long long>(dims.d, dims.d + (dims.nbDims < 0 ? 0 : dims.nbDims)),
          to_element(description.type), to_arrangement(description.format)};
}

Tensors to_tensors(const nvinfer1::PluginTensorDesc* inputs, int inputs_count,
                   const nvinfer1::PluginTensorDesc* outputs, int outputs_count) {
  Tensors tensors;
  for (int i = 0; i < inputs_count; ++i) tensors.push_back(to_tensor(inputs[i]));
  for (int i = 0; i < outputs_count; ++i) tensors.push_back(to_tensor(outputs[i]));
  return tensors;
}

Tensors to_tensors(const nvinfer1::DynamicPluginTensorDesc* inputs, int inputs_count,
                   const nvinfer1::DynamicPluginTensorDesc* outputs, int outputs_count) {
  Tensors tensors;
  for (int i = 0; i < inputs_count; ++i) tensors.push_back(to_tensor(inputs[i].desc));
  for (int i = 0; i < outputs_count; ++i) tensors.push_back(to_tensor(outputs[i].desc));
  return tensors;
}

nvinfer1::DimsExprs output_sizes(const sparse::Layer& layer, const nvinfer1::DimsExprs& input,
                                 nvinfer1::IExprBuilder& builder) {
  if (input.nbDims != 4) {
    throw Refusal("the input has " + number(input.nbDims) + " sizes where (N, C, H, W) belong");
  }
  nvinfer1::DimsExprs output = input;
  output.d[1] = builder.constant(layer.outputs);
  output.d[2] = output_size(height_extent(layer), *input.d[2], builder);
  output.d[3] = output_size(width_extent(layer), *input.d[3], builder);
  return output;
}

}  // namespace plugin
}  // namespace edgeprune
