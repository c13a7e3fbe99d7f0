#include "float16.h"

#include <cmath>
#include <cstring>

namespace edgeprune {
namespace plugin {
namespace {

template <class Number>
std::vector<Number> numbers(const std::vector<unsigned char>& bytes) {
  std::vector<Number> values(bytes.size() / sizeof(Number));
  if (!values.empty()) std::memcpy(values.data(), bytes.data(), values.size() * sizeof(Number));
  return values;
}

template <class Number>
std::vector<unsigned char> as_bytes(const std::vector<Number>& values) {
  std::vector<unsigned char> bytes(values.size() * sizeof(Number));
  if (!bytes.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

}  // namespace

float float16_to_float32(uint16_t bits) {
  const int exponent = bits >> 10 & 31;
  const int mantissa = bits & 1023;
  float value;
  if (exponent == 31) {
    value = mantissa == 0 ? INFINITY : NAN;
  } else if (exponent == 0) {
    value = std::ldexp(static_cast<float>(mantissa), -24);
  } else {
    value = std::ldexp(static_cast<float>(mantissa | 1024), exponent - 25);
  }
  return bits & 0x8000 ? -value : value;
}

uint16_t float32_to_float16(float value) {
  const uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  const float size = std::fabs(value);
  if (std::isnan(value)) return sign | 0x7e00;
  if (size >= 65520.0f) return sign | 0x7c00;
  if (size == 0.0f) return sign;
  int exponent = 0;
  std::frexp(size, &exponent);
  // Steps of 2^-24 below 2^-14, of the eleventh significant bit above.
  const int step = exponent < -13 ? -24 : exponent - 11;
  const int steps = static_cast<int>(std::nearbyint(std::ldexp(size, -step)));
  // A mantissa that was rounded up to the next power carries into the exponent by itself.
  const int lifted = exponent < -13 ? 0 : (exponent + 13) << 10;
  return static_cast<uint16_t>(sign | (lifted + steps));
}

std::vector<float> as_float32(const std::vector<unsigned char>& bytes, sparse::DataType type) {
  if (type == sparse::DataType::kFloat32) return numbers<float>(bytes);
  std::vector<float> values;
  for (uint16_t bits : numbers<uint16_t>(bytes)) values.push_back(float16_to_float32(bits));
  return values;
}

std::vector<unsigned char> converted(const std::vector<unsigned char>& bytes,
                                     sparse::DataType from, sparse::DataType to) {
  if (from == to) return bytes;
  const std::vector<float> wide = as_float32(bytes, from);
  if (to == sparse::DataType::kFloat32) return as_bytes(wide);
  std::vector<uint16_t> narrow;
  for (float value : wide) narrow.push_back(float32_to_float16(value));
  return as_bytes(narrow);
}

}  // namespace plugin
}  // namespace edgeprune
