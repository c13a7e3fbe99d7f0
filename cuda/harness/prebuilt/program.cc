// Loads a plugin library as TensorRT does, and runs a layer of it, of the vector that is named.
#include <dlfcn.h>

#include <cstdio>
#include <cstring>
#include <memory>
#include <vector>

#include "plugin/tensorrt/interfaces.h"

namespace {

using namespace nvinfer1;

const int32_t kPads[] = {1, 1, 1, 1}, kOnes[] = {1, 1};
const int kSize = 9;  // of the input, both ways

// A layer with kernels of 3 x 3, of which five columns of weights are left.
struct Example {
  std::vector<int32_t> shape, vector, channel_tile, seg, perm, off;
};

// Two offsets to a word, the first in its lower half.
std::vector<int32_t> words(const std::vector<int32_t>& offsets) {
  std::vector<int32_t> found((offsets.size() + 1) / 2);
  for (size_t i = 0; i < offsets.size(); ++i) found[i / 2] |= offsets[i] << (i % 2 == 0 ? 0 : 16);
  return found;
}

const Example kCudaCores = {{4, 3, 3, 3}, {2}, {2}, {0, 2, 3, 4, 5}, {1, 0}, words({0, 17, 8, 4, 3})};
// A tile of so many channels takes more than 48 KB of shared memory.
const Example kTensorCores = {{32, 160, 3, 3}, {32}, {160}, {0, 5}, {0}, words({0, 17, 29, 41, 1430})};

template <class T>
PluginField field(const char* name, const std::vector<T>& values, PluginFieldType type) {
  return {name, values.data(), type, static_cast<int32_t>(values.size())};
}

IPluginV3* create(IPluginCreatorV3One& creator, const Example& example) {
  const auto integer = PluginFieldType::kINT32;
  const std::vector<float> val(static_cast<size_t>(example.seg.back() * example.vector[0]), 1.0f);
  const std::vector<PluginField> fields = {
      field("shape", example.shape, integer),
      field("vector", example.vector, integer),
      field("channel_tile", example.channel_tile, integer),
      {"group", kOnes, integer, 1},
      {"strides", kOnes, integer, 2},
      {"pads", kPads, integer, 4},
      {"dilations", kOnes, integer, 2},
      {"activation", "relu", PluginFieldType::kCHAR, 4},
      field("seg", example.seg, integer),
      field("off", example.off, integer),
      field("val", val, PluginFieldType::kFLOAT32),
      field("perm", example.perm, integer)};
  const PluginFieldCollection collection = {static_cast<int32_t>(fields.size()), fields.data()};
  return creator.createPlugin("layer", &collection, TensorRTPhase::kRUNTIME);
}

int run(IPluginV3& plugin, const Example& example) {
  auto& runtime = *static_cast<IPluginV3OneRuntime*>(
      plugin.getCapabilityInterface(PluginCapabilityType::kRUNTIME));
  const int channels = example.shape[1], made = example.shape[0];
  const auto half = DataType::kHALF;
  const auto linear = TensorFormat::kLINEAR;
  const PluginTensorDesc in = {{4, {2, channels, kSize, kSize}}, half, linear, 0};
  const PluginTensorDesc out = {{4, {2, made, kSize, kSize}}, half, linear, 0};
  std::vector<short> x(static_cast<size_t>(2 * channels * kSize * kSize));
  std::vector<short> y(static_cast<size_t>(2 * made * kSize * kSize));
  const void* inputs[] = {x.data()};
  void* outputs[] = {y.data()};
  if (runtime.onShapeChange(&in, 1, &out, 1) != 0) return 1;
  for (int i = 0; i < 2; ++i) {
    if (runtime.enqueue(&in, &out, inputs, outputs, nullptr, nullptr) != 0) return 1;
  }
  return 0;
}

}  // namespace

int main(int, char** arguments) {
  const Example& example = std::strcmp(arguments[2], "32") == 0 ? kTensorCores : kCudaCores;
  void* library = dlopen(arguments[1], RTLD_NOW);
  if (library == nullptr) {
    std::fprintf(stderr, "%s\n", dlerror());
    return 2;
  }
  using GetCreators = IPluginCreatorInterface* const* (*)(int32_t&);
  int32_t count = 0;
  const auto creators = reinterpret_cast<GetCreators>(dlsym(library, "getCreators"))(count);
  auto& creator = static_cast<IPluginCreatorV3One&>(*creators[0]);
  std::printf("%d %s %s\n", count, creator.getPluginName(), creator.getPluginNamespace());
  const std::unique_ptr<IPluginV3> plugin(create(creator, example));
  const int result = plugin == nullptr ? 3 : run(*plugin, example);
  std::fflush(stdout);
  return result;
}
