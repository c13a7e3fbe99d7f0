#include "layer_fields.h"

namespace edgeprune {
namespace plugin {
namespace {

const char* name_of(sparse::Activation activation) {
  switch (activation) {
    case sparse::Activation::kRelu: return "relu";
    case sparse::Activation::kClip: return "clip";
    case sparse::Activation::kNone: break;
  }
  return "none";
}

// As `read_layer` takes them.
std::vector<int32_t> words_of(const std::vector<uint16_t>& offsets) {
  std::vector<int32_t> words((offsets.size() + 1) / 2);
  for (size_t i = 0; i < offsets.size(); ++i) {
    const uint32_t half = static_cast<uint32_t>(offsets[i]) << (i % 2 == 0 ? 0 : 16);
    words[i / 2] = static_cast<int32_t>(static_cast<uint32_t>(words[i / 2]) | half);
  }
  return words;
}

size_t length_of(const char* text) { return std::char_traits<char>::length(text); }

}  // namespace

LayerFields::LayerFields(SharedLayer packed)
    : packed_(std::move(packed)),
      shape_{packed_->layer.outputs, sparse::group_channels(packed_->layer),
             packed_->layer.kernel_height, packed_->layer.kernel_width},
      strides_{packed_->layer.stride_height, packed_->layer.stride_width},
      pads_{packed_->layer.pad_top, packed_->layer.pad_left, packed_->layer.pad_bottom,
            packed_->layer.pad_right},
      dilations_{packed_->layer.dilation_height, packed_->layer.dilation_width},
      off_words_(words_of(packed_->off)) {
  const sparse::Layer& layer = packed_->layer;
  add("shape", FieldType::kInt32, shape_, 4);
  add("vector", FieldType::kInt32, &layer.vector, 1);
  add("channel_tile", FieldType::kInt32, &layer.channel_tile, 1);
  add("group", FieldType::kInt32, &layer.groups, 1);
  add("strides", FieldType::kInt32, strides_, 2);
  add("pads", FieldType::kInt32, pads_, 4);
  add("dilations", FieldType::kInt32, dilations_, 2);
  const char* activation = name_of(layer.activation);
  add("activation", FieldType::kChar, activation, length_of(activation));
  if (layer.activation == sparse::Activation::kClip) {
    add("clip_low", FieldType::kFloat32, &layer.clip_lower, 1);
    add("clip_high", FieldType::kFloat32, &layer.clip_upper, 1);
  }
  const bool half = packed_->val_type == sparse::DataType::kFloat16;
  add("seg", FieldType::kInt32, packed_->seg.data(), packed_->seg.size());
  add("off", FieldType::kInt32, off_words_.data(), off_words_.size());
  add("val", half ? FieldType::kFloat16 : FieldType::kFloat32, packed_->val.data(),
      packed_->columns() * static_cast<size_t>(layer.vector));
  add("perm", FieldType::kInt32, packed_->perm.data(), packed_->perm.size());
  if (layer.has_bias) {
    add("bias", FieldType::kFloat32, packed_->bias.data(), packed_->bias.size());
  }
}

void LayerFields::add(const char* name, FieldType type, const void* data, size_t length) {
  fields_.push_back({name, data, type, static_cast<int32_t>(length)});
}

}  // namespace plugin
}  // namespace edgeprune
