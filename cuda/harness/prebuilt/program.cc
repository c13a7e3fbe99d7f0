// Loads a plugin library as TensorRT does, and runs a layer of it.
#include <dlfcn.h>

#include <cstdio>
#include <memory>
#include <vector>

#include "plugin/tensorrt/interfaces.h"

namespace {

using namespace nvinfer1;

// Three channels in, four out, 3 x 3, of which five columns are left.
const int32_t kShape[] = {4, 3, 3, 3}, kPads[] = {1, 1, 1, 1}, kOnes[] = {1, 1}, kTwo[] = {2};
const int32_t kSeg[] = {0, 2, 3, 4, 5}, kPerm[] = {1, 0};
const int16_t kOff[] = {0, 17, 8, 4, 3};
const float kVal[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};

IPluginV3* create(IPluginCreatorV3One& creator) {
  const auto integer = PluginFieldType::kINT32;
  const std::vector<PluginField> fields = {
      {"shape", kShape, integer, 4},       {"vector", kTwo, integer, 1},
      {"channel_tile", kTwo, integer, 1},  {"group", kOnes, integer, 1},
      {"strides", kOnes, integer, 2},      {"pads", kPads, integer, 4},
      {"dilations", kOnes, integer, 2},    {"activation", "relu", PluginFieldType::kCHAR, 4},
      {"seg", kSeg, integer, 5},           {"off", kOff, PluginFieldType::kINT16, 5},
      {"val", kVal, PluginFieldType::kFLOAT32, 10}, {"perm", kPerm, integer, 2}};
  const PluginFieldCollection collection = {static_cast<int32_t>(fields.size()), fields.data()};
  return creator.createPlugin("layer", &collection, TensorRTPhase::kRUNTIME);
}

int run(IPluginV3& plugin) {
  auto& runtime = *static_cast<IPluginV3OneRuntime*>(
      plugin.getCapabilityInterface(PluginCapabilityType::kRUNTIME));
  const PluginTensorDesc in = {{4, {2, 3, 9, 9}}, DataType::kHALF, TensorFormat::kLINEAR, 0};
  const PluginTensorDesc out = {{4, {2, 4, 9, 9}}, DataType::kHALF, TensorFormat::kLINEAR, 0};
  std::vector<short> x(2 * 3 * 81), y(2 * 4 * 81);
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
  const std::unique_ptr<IPluginV3> plugin(create(creator));
  const int result = plugin == nullptr ? 3 : run(*plugin);
  std::fflush(stdout);
  return result;
}
