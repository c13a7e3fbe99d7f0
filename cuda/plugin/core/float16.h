// Numbers of 16 bits on the host.
#pragma once

#include <cstdint>
#include <vector>

#include "plan/layer.h"

namespace edgeprune {
namespace plugin {

constexpr float kLargestFloat16 = 65504.0f;

float float16_to_float32(uint16_t bits);
// Rounds to the nearest, ties to even.
uint16_t float32_to_float16(float value);

// The numbers in `bytes`, which are of `type`.
std::vector<float> as_float32(const std::vector<unsigned char>& bytes, sparse::DataType type);
// The same numbers as the other type; as they are where it is the same.
std::vector<unsigned char> converted(const std::vector<unsigned char>& bytes,
                                     sparse::DataType from, sparse::DataType to);

}  // namespace plugin
}  // namespace edgeprune
