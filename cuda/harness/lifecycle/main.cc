// The life of plugins from creation to destruction, for sanitizers: what is lost or used after its
// end ends the program with an error.
#include <cstdio>
#include <cstdlib>

#include "../plugin/device.h"
#include "../plugin/expressions.h"
#include "../plugin/shell.h"
#include "../plugin/witnesses.h"
#include "plugin/tensorrt/report.h"

namespace {

using namespace edgeprune::harness;
using nvinfer1::PluginField;
using nvinfer1::PluginFieldType;

// Three channels in, four out, 3 x 3, of which five columns are left.
const int32_t kShape[] = {4, 3, 3, 3}, kPads[] = {1, 1, 1, 1}, kOnes[] = {1, 1}, kTwo[] = {2};
const int32_t kSeg[] = {0, 2, 3, 4, 5}, kPerm[] = {1, 0};
const int32_t kOff[] = {0 | 17 << 16, 8 | 4 << 16, 3};  // two offsets to a word
const float kVal[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, kBias[] = {1, 2, 3, 4};

std::vector<PluginField> fields() {
  const auto integer = PluginFieldType::kINT32;
  return {{"shape", kShape, integer, 4},         {"vector", kTwo, integer, 1},
          {"channel_tile", kTwo, integer, 1},    {"group", kOnes, integer, 1},
          {"strides", kOnes, integer, 2},        {"pads", kPads, integer, 4},
          {"dilations", kOnes, integer, 2},      {"activation", "relu", PluginFieldType::kCHAR, 4},
          {"seg", kSeg, integer, 5},             {"off", kOff, integer, 3},
          {"val", kVal, PluginFieldType::kFLOAT32, 10}, {"perm", kPerm, integer, 2},
          {"bias", kBias, PluginFieldType::kFLOAT32, 4}};
}

Descriptions tensors(int size) {
  const nvinfer1::DataType type = nvinfer1::DataType::kFLOAT;
  const nvinfer1::TensorFormat format = nvinfer1::TensorFormat::kLINEAR;
  return {{{4, {1, 3, size, size}}, type, format, 0}, {{4, {1, 4, size, size}}, type, format, 0}};
}

void require(bool held, const char* what) {
  if (held) return;
  std::fprintf(stderr, "%s: %s\n", what, told().c_str());
  std::exit(1);
}

void run(Shell& attached, int size) {
  const size_t area = static_cast<size_t>(size * size);
  const std::vector<float> x(3 * area, 1.0f);
  std::vector<float> y(4 * area);
  const void* inputs[] = {x.data()};
  require(attached.enqueue(tensors(size), inputs, y.data()) == 0, "enqueue");
}

void live(std::unique_ptr<Shell> plugin) {
  require(plugin != nullptr, "create");
  Expressions expressions;
  nvinfer1::DimsExprs open = {4, {}};
  for (int i = 0; i < 4; ++i) open.d[i] = expressions.open_size();
  require(plugin->output_sizes({open}, expressions.builder()).nbDims == 4, "output sizes");
  require(plugin->supports(0, tensors(8)) && plugin->supports(1, tensors(8)), "formats");
  require(plugin->configure(tensors(8), tensors(8)), "configure");
  auto clone = plugin->clone();
  for (int32_t tactic : plugin->tactics()) clone->set_tactic(tactic);
  auto restored = plugin->restored();
  plugin.reset();
  auto attached = restored->attached();
  auto other = clone->attached();
  restored.reset();
  for (int size : {8, 3, 8, 33, 5, 6, 7, 9, 10, 11, 12, 13, 14}) {
    require(attached->change_shape(tensors(size)), "shape");
    run(*attached, size);
  }
  run(*other, 4);  // not told the shape before
}

// Created and destroyed with each of the device's calls failing once.
void fail(std::unique_ptr<Shell> (*create)(const std::vector<PluginField>&)) {
  for (int calls = 0; calls < 10; ++calls) {
    auto attached = create(fields())->attached();
    fail_after(calls);
    attached->change_shape(tensors(6));
  }
  fail_after(-1);
}

void refuse(std::unique_ptr<Shell> (*create)(const std::vector<PluginField>&)) {
  for (size_t i = 0; i + 1 < fields().size(); ++i) {
    std::vector<PluginField> wrong = fields();
    wrong[i].length -= 1;
    require(create(wrong) == nullptr, "refusal");
    wrong.erase(wrong.begin() + static_cast<std::ptrdiff_t>(i));
    require(create(wrong) == nullptr, "refusal");
  }
}

}  // namespace

int main() {
  edgeprune::plugin::set_logger_finder(&logger_finder());
  for (auto create : {create_v2, create_v3}) {
    live(create(fields()));
    fail(create);
    refuse(create);
  }
  const std::vector<unsigned char> bytes = create_v2(fields())->serialised();
  for (size_t length = 0; length < bytes.size(); ++length) {
    // A copy of its own, so that a sanitizer sees what is read behind it.
    const std::vector<unsigned char> cut(bytes.begin(), bytes.begin() + static_cast<long>(length));
    require(deserialise_v2(cut.data(), cut.size()) == nullptr, "bytes that are cut off");
  }
  require(device_counts().live == 0, "memory of the device is left");
  std::puts("done");
}
