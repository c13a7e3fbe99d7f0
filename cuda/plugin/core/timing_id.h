// By which TensorRT's timing cache tells layers apart.
#pragma once

#include <string>

#include "layer_fields.h"

namespace edgeprune {
namespace plugin {

// A digest of everything that decides how long a kernel takes: sizes and pattern, not the weights.
std::string make_timing_id(const LayerFields& fields);

}  // namespace plugin
}  // namespace edgeprune
