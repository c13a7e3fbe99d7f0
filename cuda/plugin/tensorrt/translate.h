// TensorRT's values as the plugin's own, and back.
#pragma once

#include <vector>

#include "../core/fields.h"
#include "../core/tensors.h"
#include "interfaces.h"

namespace edgeprune {
namespace plugin {

// Throws a Refusal where the collection has none.
Fields to_fields(const nvinfer1::PluginFieldCollection* collection);
std::vector<nvinfer1::PluginField> to_plugin_fields(const Fields& fields);
// The fields that a creator announces; the ONNX parser passes on no others.
const nvinfer1::PluginFieldCollection* announced_fields();

Tensor to_tensor(const nvinfer1::PluginTensorDesc& description);
Tensors to_tensors(const nvinfer1::PluginTensorDesc* inputs, int inputs_count,
                   const nvinfer1::PluginTensorDesc* outputs, int outputs_count);
// With the sizes of the descriptions themselves.
Tensors to_tensors(const nvinfer1::DynamicPluginTensorDesc* inputs, int inputs_count,
                   const nvinfer1::DynamicPluginTensorDesc* outputs, int outputs_count);

// Sizes of the output, as expressions of the input's.
nvinfer1::DimsExprs output_sizes(const sparse::Layer& layer, const nvinfer1::DimsExprs& input,
                                 nvinfer1::IExprBuilder& builder);

}  // namespace plugin
}  // namespace edgeprune
