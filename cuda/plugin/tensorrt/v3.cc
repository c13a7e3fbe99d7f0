#include "v3.h"

#if EDGEPRUNE_PLUGIN_V3
#include <algorithm>

#include "names.h"
#include "report.h"
#include "translate.h"

namespace edgeprune {
namespace plugin {
namespace {

constexpr int32_t kFailure = -1;

// Descriptions with the sizes that TensorRT tunes for.
std::vector<nvinfer1::PluginTensorDesc> tuned(const nvinfer1::DynamicPluginTensorDesc* tensors,
                                              int count) {
  std::vector<nvinfer1::PluginTensorDesc> result;
  for (int i = 0; i < count; ++i) {
    result.push_back(tensors[i].desc);
    result.back().dims = tensors[i].opt;
  }
  return result;
}

}  // namespace

SparseConvV3::SparseConvV3(const SparseConvV3& other)
    : convolution_(other.convolution_), tactics_(other.tactics_), inputs_(other.inputs_),
      recorder_(other.recorder_) {}

nvinfer1::IPluginCapability* SparseConvV3::getCapabilityInterface(
    nvinfer1::PluginCapabilityType type) noexcept {
  switch (type) {
    case nvinfer1::PluginCapabilityType::kCORE: return static_cast<IPluginV3OneCore*>(this);
    case nvinfer1::PluginCapabilityType::kBUILD: return static_cast<IPluginV3OneBuild*>(this);
    case nvinfer1::PluginCapabilityType::kRUNTIME: return static_cast<IPluginV3OneRuntime*>(this);
  }
  return nullptr;
}

nvinfer1::IPluginV3* SparseConvV3::clone() noexcept {
  return guarded<IPluginV3*>(nullptr, recorder_, [&] { return new SparseConvV3(*this); });
}

const char* SparseConvV3::getPluginName() const noexcept { return kName; }
const char* SparseConvV3::getPluginVersion() const noexcept { return kVersion; }
const char* SparseConvV3::getPluginNamespace() const noexcept { return kNamespace; }

int32_t SparseConvV3::configurePlugin(const nvinfer1::DynamicPluginTensorDesc* in,
                                      int32_t nbInputs,
                                      const nvinfer1::DynamicPluginTensorDesc* out,
                                      int32_t nbOutputs) noexcept {
  return guarded(kFailure, recorder_, [&] {
    inputs_ = nbInputs;
    tactics_ = convolution_.tactics(to_tensors(tuned(in, nbInputs).data(), nbInputs,
                                               tuned(out, nbOutputs).data(), nbOutputs));
    return 0;
  });
}

int32_t SparseConvV3::getOutputDataTypes(nvinfer1::DataType* outputTypes, int32_t nbOutputs,
                                         const nvinfer1::DataType* inputTypes,
                                         int32_t nbInputs) const noexcept {
  if (nbOutputs != 1 || nbInputs < 1) return kFailure;
  outputTypes[0] = inputTypes[0];
  return 0;
}

int32_t SparseConvV3::getOutputShapes(const nvinfer1::DimsExprs* inputs, int32_t nbInputs,
                                      const nvinfer1::DimsExprs*, int32_t,
                                      nvinfer1::DimsExprs* outputs, int32_t nbOutputs,
                                      nvinfer1::IExprBuilder& exprBuilder) noexcept {
  if (nbOutputs != 1 || nbInputs < 1) return kFailure;
  return guarded(kFailure, recorder_, [&] {
    outputs[0] = output_sizes(convolution_.layer(), inputs[0], exprBuilder);
    return 0;
  });
}

bool SparseConvV3::supportsFormatCombination(int32_t pos,
                                             const nvinfer1::DynamicPluginTensorDesc* inOut,
                                             int32_t nbInputs, int32_t nbOutputs) noexcept {
  return guarded(false, recorder_, [&] {
    return nbOutputs == 1 && nbInputs <= 2 &&
           convolution_.supports(to_tensors(inOut, pos + 1, nullptr, 0), static_cast<size_t>(pos));
  });
}

int32_t SparseConvV3::getNbTactics() noexcept { return static_cast<int32_t>(tactics_.size()); }

int32_t SparseConvV3::getValidTactics(int32_t* tactics, int32_t nbTactics) noexcept {
  if (nbTactics != getNbTactics()) return kFailure;
  std::copy(tactics_.begin(), tactics_.end(), tactics);
  return 0;
}

int32_t SparseConvV3::setTactic(int32_t tactic) noexcept {
  convolution_.set_tactic(tactic);
  return 0;
}

int32_t SparseConvV3::onShapeChange(const nvinfer1::PluginTensorDesc* in, int32_t nbInputs,
                                    const nvinfer1::PluginTensorDesc* out,
                                    int32_t nbOutputs) noexcept {
  return guarded(kFailure, recorder_, [&] {
    inputs_ = nbInputs;
    convolution_.prepare(to_tensors(in, nbInputs, out, nbOutputs));
    return 0;
  });
}

int32_t SparseConvV3::enqueue(const nvinfer1::PluginTensorDesc* inputDesc,
                              const nvinfer1::PluginTensorDesc* outputDesc,
                              const void* const* inputs, void* const* outputs, void*,
                              cudaStream_t stream) noexcept {
  return guarded(kFailure, recorder_, [&] {
    const Addresses addresses = {inputs[0], inputs_ == 2 ? inputs[1] : nullptr, outputs[0]};
    convolution_.enqueue(to_tensors(inputDesc, inputs_, outputDesc, 1), addresses, stream);
    return 0;
  });
}

nvinfer1::IPluginV3* SparseConvV3::attachToContext(
    nvinfer1::IPluginResourceContext* context) noexcept {
  return guarded<IPluginV3*>(nullptr, recorder_, [&] {
    auto* attached = new SparseConvV3(*this);
    attached->recorder_ = context == nullptr ? nullptr : context->getErrorRecorder();
    return attached;
  });
}

const nvinfer1::PluginFieldCollection* SparseConvV3::getFieldsToSerialize() noexcept {
  return guarded<const nvinfer1::PluginFieldCollection*>(nullptr, recorder_, [&] {
    serialised_ = to_plugin_fields(convolution_.fields());
    collection_ = {static_cast<int32_t>(serialised_.size()), serialised_.data()};
    return &collection_;
  });
}

nvinfer1::IPluginV3* SparseConvCreatorV3::createPlugin(const char*,
                                                       const nvinfer1::PluginFieldCollection* fc,
                                                       nvinfer1::TensorRTPhase) noexcept {
  return guarded<nvinfer1::IPluginV3*>(
      nullptr, nullptr, [&] { return new SparseConvV3(read_layer(to_fields(fc))); });
}

const nvinfer1::PluginFieldCollection* SparseConvCreatorV3::getFieldNames() noexcept {
  return guarded<const nvinfer1::PluginFieldCollection*>(nullptr, nullptr,
                                                         [] { return announced_fields(); });
}

const char* SparseConvCreatorV3::getPluginName() const noexcept { return kName; }
const char* SparseConvCreatorV3::getPluginVersion() const noexcept { return kVersion; }
const char* SparseConvCreatorV3::getPluginNamespace() const noexcept { return kNamespace; }

}  // namespace plugin
}  // namespace edgeprune
#endif
