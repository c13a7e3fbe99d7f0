#include "../../plugin/tensorrt/v2.h"

#include "shell.h"

namespace edgeprune {
namespace harness {
namespace {

nvinfer1::IPluginCreator& creator() {
  static plugin::SparseConvCreatorV2 only;
  return only;
}

class ShellV2 final : public Shell {
 public:
  explicit ShellV2(nvinfer1::IPluginV2DynamicExt* plugin) : plugin_(plugin) {}
  ~ShellV2() override {
    if (initialised_) plugin_->terminate();
    plugin_->destroy();
  }

  std::unique_ptr<Shell> clone() override { return wrap(plugin_->clone()); }

  std::vector<unsigned char> serialised() override {
    std::vector<unsigned char> bytes(plugin_->getSerializationSize());
    plugin_->serialize(bytes.data());
    return bytes;
  }

  std::unique_ptr<Shell> restored() override {
    const std::vector<unsigned char> bytes = serialised();
    return deserialise_v2(bytes.data(), bytes.size());
  }

  std::unique_ptr<Shell> attached() override {
    auto* copy = plugin_->clone();
    if (copy == nullptr) return nullptr;
    auto result = std::unique_ptr<ShellV2>(new ShellV2(copy));
    copy->attachToContext(nullptr, nullptr, nullptr);
    result->initialised_ = copy->initialize() == 0;
    return result;
  }

  bool supports(int position, const Descriptions& tensors) override {
    return plugin_->supportsFormatCombination(position, tensors.data(), inputs_of(tensors), 1);
  }

  nvinfer1::DimsExprs output_sizes(const std::vector<nvinfer1::DimsExprs>& inputs,
                                   nvinfer1::IExprBuilder& builder) override {
    return plugin_->getOutputDimensions(0, inputs.data(), static_cast<int32_t>(inputs.size()),
                                        builder);
  }

  nvinfer1::DataType output_type(nvinfer1::DataType input) override {
    return plugin_->getOutputDataType(0, &input, 1);
  }

  bool configure(const Descriptions& tensors, const Descriptions&) override {
    std::vector<nvinfer1::DynamicPluginTensorDesc> dynamic(tensors.size());
    for (size_t i = 0; i < tensors.size(); ++i) dynamic[i].desc = tensors[i];
    plugin_->configurePlugin(dynamic.data(), inputs_of(tensors), &dynamic.back(), 1);
    return true;
  }

  std::vector<int32_t> tactics() override { return {}; }
  void set_tactic(int32_t) override {}
  bool change_shape(const Descriptions& tensors) override { return configure(tensors, tensors); }

  int enqueue(const Descriptions& tensors, const void* const* inputs, void* output) override {
    return plugin_->enqueue(tensors.data(), &tensors.back(), inputs, &output, nullptr, nullptr);
  }

  static std::unique_ptr<Shell> wrap(nvinfer1::IPluginV2* plugin) {
    if (plugin == nullptr) return nullptr;
    return std::unique_ptr<Shell>(new ShellV2(static_cast<nvinfer1::IPluginV2DynamicExt*>(plugin)));
  }

 private:
  static int32_t inputs_of(const Descriptions& tensors) {
    return static_cast<int32_t>(tensors.size()) - 1;
  }

  nvinfer1::IPluginV2DynamicExt* plugin_;
  bool initialised_ = false;
};

}  // namespace

std::unique_ptr<Shell> create_v2(const std::vector<nvinfer1::PluginField>& fields) {
  const nvinfer1::PluginFieldCollection collection = {static_cast<int32_t>(fields.size()),
                                                      fields.data()};
  return ShellV2::wrap(creator().createPlugin("layer", &collection));
}

std::unique_ptr<Shell> deserialise_v2(const void* bytes, size_t length) {
  return ShellV2::wrap(creator().deserializePlugin("layer", bytes, length));
}

}  // namespace harness
}  // namespace edgeprune
