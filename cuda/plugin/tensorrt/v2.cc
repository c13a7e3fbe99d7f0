#include "v2.h"

#if EDGEPRUNE_PLUGIN_V2
#include <algorithm>

#include "names.h"
#include "report.h"
#include "translate.h"

namespace edgeprune {
namespace plugin {
namespace {

// While TensorRT builds, sizes may be open.
bool all_known(const Tensors& tensors) {
  for (const Tensor& tensor : tensors) {
    for (long long size : tensor.sizes) {
      if (size < 0) return false;
    }
  }
  return true;
}

// Copies a name that TensorRT gives; null becomes ours.
std::string text_or_ours(const char* text) { return text == nullptr ? kNamespace : text; }

}  // namespace

SparseConvV2::SparseConvV2(SharedLayer packed)
    : convolution_(std::move(packed)), bytes_(to_bytes(convolution_.fields())),
      namespace_(kNamespace) {}

SparseConvV2::SparseConvV2(const SparseConvV2& other)
    : nvinfer1::IPluginV2DynamicExt(), convolution_(other.convolution_), bytes_(other.bytes_),
      namespace_(other.namespace_), inputs_(other.inputs_), initialised_(other.initialised_) {}

const char* SparseConvV2::getPluginType() const noexcept { return kName; }
const char* SparseConvV2::getPluginVersion() const noexcept { return kVersion; }

int32_t SparseConvV2::initialize() noexcept {
  initialised_ = true;
  return 0;
}

void SparseConvV2::terminate() noexcept {
  initialised_ = false;
  guarded(0, nullptr, [&] {
    convolution_.release();
    return 0;
  });
}

void SparseConvV2::serialize(void* buffer) const noexcept {
  std::copy(bytes_.begin(), bytes_.end(), static_cast<unsigned char*>(buffer));
}

void SparseConvV2::setPluginNamespace(const char* pluginNamespace) noexcept {
  guarded(0, nullptr, [&] {
    namespace_ = text_or_ours(pluginNamespace);
    return 0;
  });
}

nvinfer1::DataType SparseConvV2::getOutputDataType(int32_t, const nvinfer1::DataType* inputTypes,
                                                   int32_t) const noexcept {
  return inputTypes[0];
}

nvinfer1::IPluginV2DynamicExt* SparseConvV2::clone() const noexcept {
  return guarded<nvinfer1::IPluginV2DynamicExt*>(nullptr, nullptr,
                                                 [&] { return new SparseConvV2(*this); });
}

nvinfer1::DimsExprs SparseConvV2::getOutputDimensions(
    int32_t, const nvinfer1::DimsExprs* inputs, int32_t,
    nvinfer1::IExprBuilder& exprBuilder) noexcept {
  return guarded(nvinfer1::DimsExprs{}, nullptr, [&] {
    return output_sizes(convolution_.layer(), inputs[0], exprBuilder);
  });
}

bool SparseConvV2::supportsFormatCombination(int32_t pos, const nvinfer1::PluginTensorDesc* inOut,
                                             int32_t nbInputs, int32_t nbOutputs) noexcept {
  return guarded(false, nullptr, [&] {
    return nbOutputs == 1 && nbInputs <= 2 &&
           convolution_.supports(to_tensors(inOut, pos + 1, nullptr, 0), static_cast<size_t>(pos));
  });
}

void SparseConvV2::configurePlugin(const nvinfer1::DynamicPluginTensorDesc* in, int32_t nbInputs,
                                   const nvinfer1::DynamicPluginTensorDesc* out,
                                   int32_t nbOutputs) noexcept {
  guarded(0, nullptr, [&] {
    inputs_ = nbInputs;
    const Tensors tensors = to_tensors(in, nbInputs, out, nbOutputs);
    if (initialised_ && all_known(tensors)) convolution_.prepare(tensors);
    return 0;
  });
}

int32_t SparseConvV2::enqueue(const nvinfer1::PluginTensorDesc* inputDesc,
                              const nvinfer1::PluginTensorDesc* outputDesc,
                              const void* const* inputs, void* const* outputs, void*,
                              cudaStream_t stream) noexcept {
  return guarded(-1, nullptr, [&] {
    const Addresses addresses = {inputs[0], inputs_ == 2 ? inputs[1] : nullptr, outputs[0]};
    convolution_.enqueue(to_tensors(inputDesc, inputs_, outputDesc, 1), addresses, stream);
    return 0;
  });
}

SparseConvCreatorV2::SparseConvCreatorV2() : namespace_(kNamespace) {}

const char* SparseConvCreatorV2::getPluginName() const noexcept { return kName; }
const char* SparseConvCreatorV2::getPluginVersion() const noexcept { return kVersion; }

const nvinfer1::PluginFieldCollection* SparseConvCreatorV2::getFieldNames() noexcept {
  return guarded<const nvinfer1::PluginFieldCollection*>(nullptr, nullptr,
                                                         [] { return announced_fields(); });
}

nvinfer1::IPluginV2* SparseConvCreatorV2::created(const Fields& fields) const {
  std::unique_ptr<SparseConvV2> result(new SparseConvV2(read_layer(fields)));
  result->setPluginNamespace(namespace_.c_str());
  return result.release();
}

nvinfer1::IPluginV2* SparseConvCreatorV2::createPlugin(
    const char*, const nvinfer1::PluginFieldCollection* fc) noexcept {
  return guarded<nvinfer1::IPluginV2*>(nullptr, nullptr, [&] { return created(to_fields(fc)); });
}

nvinfer1::IPluginV2* SparseConvCreatorV2::deserializePlugin(const char*, const void* serialData,
                                                            size_t serialLength) noexcept {
  return guarded<nvinfer1::IPluginV2*>(
      nullptr, nullptr, [&] { return created(from_bytes(serialData, serialLength)); });
}

void SparseConvCreatorV2::setPluginNamespace(const char* pluginNamespace) noexcept {
  guarded(0, nullptr, [&] {
    namespace_ = text_or_ours(pluginNamespace);
    return 0;
  });
}

}  // namespace plugin
}  // namespace edgeprune
#endif
