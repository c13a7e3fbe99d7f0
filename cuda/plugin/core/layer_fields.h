// A layer as fields again, and as bytes: what an engine keeps of it.
#pragma once

#include <cstddef>
#include <vector>

#include "packed_layer.h"

namespace edgeprune {
namespace plugin {

// Fields that point into the layer, always in the same order.
class LayerFields {
 public:
  explicit LayerFields(SharedLayer packed);
  LayerFields(const LayerFields&) = delete;
  LayerFields& operator=(const LayerFields&) = delete;

  const Fields& fields() const { return fields_; }

 private:
  void add(const char* name, FieldType type, const void* data, size_t length);

  SharedLayer packed_;
  int32_t shape_[4], strides_[2], pads_[4], dilations_[2];
  std::vector<int32_t> off_words_;
  Fields fields_;
};

// One layer, one sequence of bytes.
std::vector<unsigned char> to_bytes(const Fields& fields);

// Fields that point into the bytes. Throws a Refusal where they are damaged.
Fields from_bytes(const void* bytes, size_t length);

}  // namespace plugin
}  // namespace edgeprune
