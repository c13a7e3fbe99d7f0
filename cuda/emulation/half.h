// A 16-bit float of our own: the host part of cuda_fp16.h has no __hfma2.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

namespace edgeprune {
namespace emulation {

struct Half {
  uint16_t bits;
};

struct Half2 {
  Half low, high;
};

inline float widen(Half value) {
  const uint32_t sign = static_cast<uint32_t>(value.bits & 0x8000u) << 16;
  const uint32_t exponent = (value.bits >> 10) & 31u, mantissa = value.bits & 1023u;
  uint32_t bits;
  if (exponent == 0) {
    const float magnitude = std::ldexp(static_cast<float>(mantissa), -24);
    return sign ? -magnitude : magnitude;
  }
  if (exponent == 31) {
    bits = sign | 0x7f800000u | (mantissa << 13);
  } else {
    bits = sign | ((exponent + 112u) << 23) | (mantissa << 13);
  }
  float result;
  std::memcpy(&result, &bits, sizeof(result));
  return result;
}

// To the nearest, ties to even.
inline Half narrow(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  const uint32_t sign = (bits >> 16) & 0x8000u, magnitude = bits & 0x7fffffffu;
  uint32_t half;
  if (magnitude > 0x7f800000u) {
    half = 0x7fffu;
  } else if (magnitude >= 0x477ff000u) {
    half = 0x7c00u;
  } else if (magnitude < 0x38800000u) {
    const float scaled = std::fabs(value) * 16777216.0f;  // 2^24: the least half becomes 1
    half = static_cast<uint32_t>(std::nearbyint(scaled));
  } else {
    const uint32_t rounded = magnitude + 0x0fffu + ((magnitude >> 13) & 1u);
    half = (rounded - 0x38000000u) >> 13;
  }
  return {static_cast<uint16_t>(sign | half)};
}

// Rounded once: a double holds the product, and the sum is made odd before it becomes a float, so
// that the second rounding sees what the first one dropped.
inline Half fused(Half a, Half b, Half c) {
  const double exact = static_cast<double>(widen(a)) * widen(b) + widen(c);
  float near = static_cast<float>(exact);
  if (static_cast<double>(near) != exact && std::isfinite(near)) {
    uint32_t bits;
    if (std::fabs(static_cast<double>(near)) > std::fabs(exact)) {
      near = std::nextafter(near, 0.0f);
    }
    std::memcpy(&bits, &near, sizeof(bits));
    bits |= 1u;
    std::memcpy(&near, &bits, sizeof(near));
  }
  return narrow(near);
}

}  // namespace emulation
}  // namespace edgeprune
