// The plugin's interfaces as plain functions, for Python's ctypes.
#include <algorithm>

#include "../../plugin/tensorrt/report.h"
#include "../../plugin/tensorrt/translate.h"
#include "device.h"
#include "expressions.h"
#include "shell.h"
#include "witnesses.h"

using edgeprune::harness::Descriptions;
using edgeprune::harness::Shell;

namespace {

Shell* given(std::unique_ptr<Shell> shell) { return shell.release(); }

Descriptions descriptions(const nvinfer1::PluginTensorDesc* tensors, int count) {
  return Descriptions(tensors, tensors + count);
}

}  // namespace

extern "C" {

void plugin_begin() { edgeprune::plugin::set_logger_finder(&edgeprune::harness::logger_finder()); }
const char* plugin_told() { return edgeprune::harness::told().c_str(); }
void plugin_forget() {
  edgeprune::harness::forget();
  const int live = edgeprune::harness::device_counts().live;
  edgeprune::harness::device_counts() = {live, 0, 0};
  edgeprune::harness::fail_after(-1);
}
edgeprune::harness::DeviceCounts plugin_counts() { return edgeprune::harness::device_counts(); }
void plugin_set_capability(int sm) { edgeprune::harness::set_capability(sm); }
void plugin_fail_after(int calls) { edgeprune::harness::fail_after(calls); }

size_t plugin_description_bytes() { return sizeof(nvinfer1::PluginTensorDesc); }
int plugin_announced(const char** names, int room) {
  const nvinfer1::PluginFieldCollection& fields = *edgeprune::plugin::announced_fields();
  for (int i = 0; i < std::min(room, fields.nbFields); ++i) names[i] = fields.fields[i].name;
  return fields.nbFields;
}

// `generation` is 2 or 3, as in IPluginV2DynamicExt and IPluginV3.
Shell* plugin_create(int generation, const nvinfer1::PluginField* fields, int count) {
  const std::vector<nvinfer1::PluginField> all(fields, fields + count);
  return given(generation == 2 ? edgeprune::harness::create_v2(all)
                               : edgeprune::harness::create_v3(all));
}
Shell* plugin_deserialise(const void* bytes, size_t length) {
  return given(edgeprune::harness::deserialise_v2(bytes, length));
}
void plugin_destroy(Shell* shell) { delete shell; }
Shell* plugin_clone(Shell* shell) { return given(shell->clone()); }
Shell* plugin_restored(Shell* shell) { return given(shell->restored()); }
Shell* plugin_attached(Shell* shell) { return given(shell->attached()); }

size_t plugin_serialised(Shell* shell, unsigned char* bytes, size_t room) {
  const std::vector<unsigned char> all = shell->serialised();
  std::copy_n(all.begin(), std::min(all.size(), room), bytes);
  return all.size();
}

int plugin_supports(Shell* shell, int position, const nvinfer1::PluginTensorDesc* tensors,
                    int count) {
  return shell->supports(position, descriptions(tensors, count));
}

int plugin_output_type(Shell* shell, int type) {
  return static_cast<int>(shell->output_type(static_cast<nvinfer1::DataType>(type)));
}

// Sizes of an output whose input has open sizes, which are then these four.
int plugin_output_sizes(Shell* shell, const int64_t* input, int count, int64_t* output) {
  edgeprune::harness::Expressions expressions;
  nvinfer1::DimsExprs open = {};
  open.nbDims = count;
  for (int i = 0; i < count; ++i) open.d[i] = expressions.open_size();
  const nvinfer1::DimsExprs sizes = shell->output_sizes({open}, expressions.builder());
  const std::vector<int64_t> values(input, input + count);
  for (int i = 0; i < sizes.nbDims; ++i) {
    output[i] = edgeprune::harness::Expressions::value(*sizes.d[i], values);
  }
  return sizes.nbDims;
}

int plugin_configure(Shell* shell, const nvinfer1::PluginTensorDesc* tensors,
                     const nvinfer1::PluginTensorDesc* tuned, int count) {
  return shell->configure(descriptions(tensors, count), descriptions(tuned, count));
}
int plugin_tactics(Shell* shell, int32_t* tactics, int room) {
  const std::vector<int32_t> all = shell->tactics();
  std::copy_n(all.begin(), std::min(static_cast<int>(all.size()), room), tactics);
  return static_cast<int>(all.size());
}
void plugin_set_tactic(Shell* shell, int32_t tactic) { shell->set_tactic(tactic); }
int plugin_change_shape(Shell* shell, const nvinfer1::PluginTensorDesc* tensors, int count) {
  return shell->change_shape(descriptions(tensors, count));
}
int plugin_enqueue(Shell* shell, const nvinfer1::PluginTensorDesc* tensors, int count,
                   const void* const* inputs, void* output) {
  return shell->enqueue(descriptions(tensors, count), inputs, output);
}

}  // extern "C"
