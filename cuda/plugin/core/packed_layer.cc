#include "packed_layer.h"

#include <cmath>
#include <cstring>

#include "field_reader.h"
#include "float16.h"
#include "plan/instantiations.h"
#include "plan/lower.h"
#include "plan/validity.h"
#include "refusal.h"

namespace edgeprune {
namespace plugin {
namespace {

// Bounds that keep all products of a layer's sizes within 32 bits.
constexpr int kMostChannels = 1 << 20;
constexpr int kMostSteps = 1 << 14;

template <class Number>
std::vector<Number> copied(const Field& field) {
  std::vector<Number> values(static_cast<size_t>(field.length));
  if (!values.empty()) std::memcpy(values.data(), field.data, values.size() * sizeof(Number));
  return values;
}

// Two to a word, the first in its lower half, since TensorRT's parser refuses tensors of 16-bit
// integers. A last word may hold only one.
std::vector<uint16_t> offsets(const std::vector<int32_t>& words, const std::vector<int32_t>& seg) {
  std::vector<uint16_t> found;
  for (int32_t word : words) {
    found.push_back(static_cast<uint16_t>(static_cast<uint32_t>(word) & 0xffffu));
    found.push_back(static_cast<uint16_t>(static_cast<uint32_t>(word) >> 16));
  }
  const long long columns = seg.empty() ? 0 : seg.back();
  if (static_cast<long long>(found.size()) == columns + 1) found.pop_back();
  return found;
}

void require_range(const char* name, int value, int least, int most) {
  if (value < least || value > most) {
    throw Refusal(std::string("field ") + name + ": " + number(value) + " is not within " +
                  number(least) + " to " + number(most));
  }
}

std::vector<int> bounded(const FieldReader& reader, const char* name, size_t length, int least) {
  const std::vector<int> values = reader.integers(name, length);
  for (int value : values) require_range(name, value, least, kMostSteps);
  return values;
}

void read_shape(const FieldReader& reader, sparse::Layer* layer) {
  const std::vector<int> shape = reader.integers("shape", 4);
  for (int i = 0; i < 4; ++i) {
    require_range("shape", shape[static_cast<size_t>(i)], 1, i < 2 ? kMostChannels : kMostSteps);
  }
  layer->groups = reader.integer("group");
  require_range("group", layer->groups, 1, kMostChannels / shape[1]);
  layer->outputs = shape[0];
  layer->channels = shape[1] * layer->groups;
  layer->kernel_height = shape[2];
  layer->kernel_width = shape[3];
  layer->vector = reader.integer("vector");
  layer->channel_tile = reader.integer("channel_tile");
}

void read_steps(const FieldReader& reader, sparse::Layer* layer) {
  const std::vector<int> strides = bounded(reader, "strides", 2, 1);
  const std::vector<int> pads = bounded(reader, "pads", 4, 0);
  const std::vector<int> dilations = bounded(reader, "dilations", 2, 1);
  layer->stride_height = strides[0];
  layer->stride_width = strides[1];
  layer->pad_top = pads[0];
  layer->pad_left = pads[1];
  layer->pad_bottom = pads[2];
  layer->pad_right = pads[3];
  layer->dilation_height = dilations[0];
  layer->dilation_width = dilations[1];
}

void read_activation(const FieldReader& reader, sparse::Layer* layer) {
  const std::string name = reader.text("activation");
  layer->clip_lower = layer->clip_upper = 0.0f;
  if (name == "clip") {
    layer->activation = sparse::Activation::kClip;
    layer->clip_lower = reader.real("clip_low");
    layer->clip_upper = reader.real("clip_high");
    return;
  }
  if (name != "none" && name != "relu") {
    throw Refusal("field activation: " + name + " is none of none, relu and clip");
  }
  layer->activation = name == "relu" ? sparse::Activation::kRelu : sparse::Activation::kNone;
  for (const char* bound : {"clip_low", "clip_high"}) {
    if (reader.has(bound)) {
      throw Refusal(std::string("field ") + bound + ": it belongs to clip, but activation is " +
                    name);
    }
  }
}

bool has_kernel(int vector) {
  for (int i = 0; i < sparse::instantiation_count(); ++i) {
    if (sparse::instantiations()[i].vector == vector) return true;
  }
  return false;
}

void read_values(const FieldReader& reader, PackedLayer* packed) {
  const Field& field = reader.tensor("val", {FieldType::kFloat32, FieldType::kFloat16});
  const bool half = field.type == FieldType::kFloat16;
  packed->val_type = half ? sparse::DataType::kFloat16 : sparse::DataType::kFloat32;
  const size_t length = static_cast<size_t>(field.length);
  const size_t wanted = packed->columns() * static_cast<size_t>(packed->layer.vector);
  if (length != wanted) {
    throw Refusal("field val: " + number(field.length) + " numbers where " +
                  number(static_cast<long long>(packed->columns())) + " columns of " +
                  number(packed->layer.vector) + " belong");
  }
  const unsigned char* begin = static_cast<const unsigned char*>(field.data);
  packed->val.assign(begin, begin + length * bytes_of(field.type));
  packed->fits_float16 = true;
  for (float value : as_float32(packed->val, packed->val_type)) {
    if (!std::isfinite(value)) throw Refusal("field val: it holds a number that is not finite");
    if (std::fabs(value) > kLargestFloat16) packed->fits_float16 = false;
  }
}

void read_bias(const FieldReader& reader, PackedLayer* packed) {
  if (!reader.has("bias")) return;
  packed->bias = copied<float>(reader.tensor("bias", {FieldType::kFloat32}));
  if (packed->bias.size() != static_cast<size_t>(packed->layer.outputs)) {
    throw Refusal("field bias: " + number(static_cast<long long>(packed->bias.size())) +
                  " numbers where " + number(packed->layer.outputs) + " outputs belong");
  }
  for (float value : packed->bias) {
    if (!std::isfinite(value)) throw Refusal("field bias: it holds a number that is not finite");
  }
  packed->layer.has_bias = 1;
}

}  // namespace

double PackedLayer::density() const {
  const double possible = static_cast<double>(perm.size()) * sparse::group_channels(layer) *
                          layer.kernel_height * layer.kernel_width;
  return static_cast<double>(columns()) / possible;
}

SharedLayer read_layer(const Fields& fields) {
  const FieldReader reader(fields);
  auto packed = std::make_shared<PackedLayer>();
  packed->layer = sparse::Layer();
  read_shape(reader, &packed->layer);
  read_steps(reader, &packed->layer);
  read_activation(reader, &packed->layer);
  require(sparse::check_layer(packed->layer));
  if (!has_kernel(packed->layer.vector)) {
    throw Refusal("field vector: no kernel is compiled for " + number(packed->layer.vector));
  }
  packed->seg = copied<int32_t>(reader.tensor("seg", {FieldType::kInt32}));
  packed->off = offsets(copied<int32_t>(reader.tensor("off", {FieldType::kInt32})), packed->seg);
  packed->perm = copied<int32_t>(reader.tensor("perm", {FieldType::kInt32}));
  require(sparse::check_packed(packed->layer, packed->seg.data(), packed->seg.size(),
                               packed->off.data(), packed->off.size(), packed->perm.data(),
                               packed->perm.size()));
  read_values(reader, packed.get());
  read_bias(reader, packed.get());
  return packed;
}

}  // namespace plugin
}  // namespace edgeprune
