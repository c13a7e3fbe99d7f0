#include "../../plugin/tensorrt/v3.h"

#include <cstring>

#include "shell.h"
#include "witnesses.h"

namespace edgeprune {
namespace harness {
namespace {

using nvinfer1::PluginCapabilityType;

nvinfer1::IPluginCreatorV3One& creator() {
  static plugin::SparseConvCreatorV3 only;
  return only;
}

std::unique_ptr<Shell> created(const std::vector<nvinfer1::PluginField>& fields,
                               nvinfer1::TensorRTPhase phase);

class Context final : public nvinfer1::IPluginResourceContext {
 public:
  nvinfer1::IGpuAllocator* getGpuAllocator() const noexcept override { return nullptr; }
  nvinfer1::IErrorRecorder* getErrorRecorder() const noexcept override { return &recorder(); }
};

// Copies of a plugin's fields, which are the plugin's own.
class CopiedFields {
 public:
  explicit CopiedFields(const nvinfer1::PluginFieldCollection& collection) {
    for (int32_t i = 0; i < collection.nbFields; ++i) {
      const nvinfer1::PluginField& field = collection.fields[i];
      const size_t bytes = plugin::bytes_of(static_cast<plugin::FieldType>(field.type)) *
                           static_cast<size_t>(field.length);
      const char* begin = static_cast<const char*>(field.data);
      names_.emplace_back(new std::string(field.name));
      data_.emplace_back(begin, begin + bytes);
      fields_.emplace_back(names_.back()->c_str(), data_.back().data(), field.type, field.length);
    }
  }
  const std::vector<nvinfer1::PluginField>& fields() const { return fields_; }
  std::vector<unsigned char> bytes() const {
    std::vector<unsigned char> all;
    for (size_t i = 0; i < fields_.size(); ++i) {
      all.insert(all.end(), names_[i]->begin(), names_[i]->end());
      all.push_back(static_cast<unsigned char>(fields_[i].type));
      all.insert(all.end(), data_[i].begin(), data_[i].end());
    }
    return all;
  }

 private:
  std::vector<std::unique_ptr<std::string>> names_;
  std::vector<std::vector<char>> data_;
  std::vector<nvinfer1::PluginField> fields_;
};

std::vector<nvinfer1::DynamicPluginTensorDesc> dynamic(const Descriptions& tensors,
                                                       const Descriptions& tuned) {
  std::vector<nvinfer1::DynamicPluginTensorDesc> result;
  for (size_t i = 0; i < tensors.size(); ++i) {
    const nvinfer1::Dims& dims = tuned[i].dims;
    result.push_back({tensors[i], dims, dims, dims});
  }
  return result;
}

class ShellV3 final : public Shell {
 public:
  explicit ShellV3(nvinfer1::IPluginV3* plugin) : plugin_(plugin) {}

  std::unique_ptr<Shell> clone() override { return wrap(plugin_->clone()); }
  std::vector<unsigned char> serialised() override {
    return CopiedFields(*runtime().getFieldsToSerialize()).bytes();
  }
  std::unique_ptr<Shell> restored() override {
    const CopiedFields copied(*runtime().getFieldsToSerialize());
    return created(copied.fields(), nvinfer1::TensorRTPhase::kRUNTIME);
  }
  std::unique_ptr<Shell> attached() override {
    Context context;
    return wrap(runtime().attachToContext(&context));
  }

  bool supports(int position, const Descriptions& tensors) override {
    return build().supportsFormatCombination(position, dynamic(tensors, tensors).data(),
                                             inputs_of(tensors), 1);
  }
  nvinfer1::DimsExprs output_sizes(const std::vector<nvinfer1::DimsExprs>& inputs,
                                   nvinfer1::IExprBuilder& builder) override {
    nvinfer1::DimsExprs output = {};
    build().getOutputShapes(inputs.data(), static_cast<int32_t>(inputs.size()), nullptr, 0,
                            &output, build().getNbOutputs(), builder);
    return output;
  }
  nvinfer1::DataType output_type(nvinfer1::DataType input) override {
    nvinfer1::DataType output = nvinfer1::DataType::kBOOL;
    build().getOutputDataTypes(&output, 1, &input, 1);
    return output;
  }
  bool configure(const Descriptions& tensors, const Descriptions& tuned) override {
    const auto all = dynamic(tensors, tuned);
    return build().configurePlugin(all.data(), inputs_of(tensors), &all.back(), 1) == 0;
  }
  std::vector<int32_t> tactics() override {
    std::vector<int32_t> result(static_cast<size_t>(build().getNbTactics()));
    build().getValidTactics(result.data(), static_cast<int32_t>(result.size()));
    return result;
  }
  void set_tactic(int32_t tactic) override { runtime().setTactic(tactic); }
  bool change_shape(const Descriptions& tensors) override {
    return runtime().onShapeChange(tensors.data(), inputs_of(tensors), &tensors.back(), 1) == 0;
  }
  int enqueue(const Descriptions& tensors, const void* const* inputs, void* output) override {
    return runtime().enqueue(tensors.data(), &tensors.back(), inputs, &output, nullptr, nullptr);
  }

  static std::unique_ptr<Shell> wrap(nvinfer1::IPluginV3* plugin) {
    return std::unique_ptr<Shell>(plugin == nullptr ? nullptr : new ShellV3(plugin));
  }

 private:
  static int32_t inputs_of(const Descriptions& tensors) {
    return static_cast<int32_t>(tensors.size()) - 1;
  }
  template <class Interface>
  Interface& capability(PluginCapabilityType type) {
    return *static_cast<Interface*>(plugin_->getCapabilityInterface(type));
  }
  nvinfer1::IPluginV3OneBuild& build() {
    return capability<nvinfer1::IPluginV3OneBuild>(PluginCapabilityType::kBUILD);
  }
  nvinfer1::IPluginV3OneRuntime& runtime() {
    return capability<nvinfer1::IPluginV3OneRuntime>(PluginCapabilityType::kRUNTIME);
  }

  std::unique_ptr<nvinfer1::IPluginV3> plugin_;
};

std::unique_ptr<Shell> created(const std::vector<nvinfer1::PluginField>& fields,
                               nvinfer1::TensorRTPhase phase) {
  const nvinfer1::PluginFieldCollection collection = {static_cast<int32_t>(fields.size()),
                                                      fields.data()};
  return ShellV3::wrap(creator().createPlugin("layer", &collection, phase));
}

}  // namespace

std::unique_ptr<Shell> create_v3(const std::vector<nvinfer1::PluginField>& fields) {
  return created(fields, nvinfer1::TensorRTPhase::kBUILD);
}

}  // namespace harness
}  // namespace edgeprune
