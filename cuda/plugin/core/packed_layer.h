// A sparse convolution as export made it: checked, and from then on the same.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "fields.h"
#include "plan/layer.h"

namespace edgeprune {
namespace plugin {

struct PackedLayer {
  sparse::Layer layer;       // has_residual is the graph's matter and stays 0 here
  std::vector<int32_t> seg;
  std::vector<uint16_t> off;
  sparse::DataType val_type;
  std::vector<unsigned char> val;  // (columns, V) of val_type
  std::vector<int32_t> perm;
  std::vector<float> bias;   // empty for none
  bool fits_float16;         // no weight becomes infinite as float16

  size_t columns() const { return off.size(); }
  // Stored columns of all possible.
  double density() const;
};

// Clones share it.
using SharedLayer = std::shared_ptr<const PackedLayer>;

// Checks every field. Throws a Refusal that names the one that is wrong.
SharedLayer read_layer(const Fields& fields);

}  // namespace plugin
}  // namespace edgeprune
