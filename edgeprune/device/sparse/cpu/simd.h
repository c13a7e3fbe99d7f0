// Vectors of floats as wide as the compiler's target has them: AVX-512, AVX2, or 128 bits (NEON).
#pragma once

#if defined(__AVX512F__)
#define EP_VECTOR_BYTES 64
#define EP_REGISTERS 32
#elif defined(__AVX2__)
#define EP_VECTOR_BYTES 32
#define EP_REGISTERS 16
#elif defined(__aarch64__)
#define EP_VECTOR_BYTES 16
#define EP_REGISTERS 32
#else
#define EP_VECTOR_BYTES 16
#define EP_REGISTERS 16
#endif

namespace edgeprune {

typedef float Vector __attribute__((vector_size(EP_VECTOR_BYTES)));
// The same where it lies at any address of a float.
typedef float LooseVector
    __attribute__((vector_size(EP_VECTOR_BYTES), aligned(alignof(float)), may_alias));

constexpr int kWidth = EP_VECTOR_BYTES / int(sizeof(float));
// Registers for sums; the others hold weights and activations.
constexpr int kSums = EP_REGISTERS * 3 / 4;

inline Vector load(const float* from) { return *reinterpret_cast<const LooseVector*>(from); }

inline void store(float* to, Vector value) { *reinterpret_cast<LooseVector*>(to) = value; }

// The first, third, ... of the floats from an address on.
inline Vector load_every_second(const float* from) {
#if defined(__clang__)
  Vector found;
  for (int i = 0; i < kWidth; ++i) found[i] = from[2 * i];
  return found;
#else
  typedef int Places __attribute__((vector_size(EP_VECTOR_BYTES)));
  Places places;
  for (int i = 0; i < kWidth; ++i) places[i] = 2 * i;
  return __builtin_shuffle(load(from), load(from + kWidth), places);
#endif
}

// Copies or clears whole vectors: up to kWidth - 1 floats after the last are read and written too.
inline void copy_loosely(float* to, const float* from, int count) {
  for (int i = 0; i < count; i += kWidth) store(to + i, load(from + i));
}

inline void copy_every_second_loosely(float* to, const float* from, int count) {
  for (int i = 0; i < count; i += kWidth) store(to + i, load_every_second(from + 2 * i));
}

inline void clear_loosely(float* to, int count) {
  for (int i = 0; i < count; i += kWidth) store(to + i, Vector{});
}

// Minus 0 is the identity for every float; plus 0 is not, and costs an instruction.
inline Vector broadcast(float value) { return value - Vector{}; }

// Has the compiler hold a value in a register: it would read it from memory again for every use.
inline void hold(Vector& value) {
#if defined(__AVX512F__)
  __asm__("" : "+v"(value));
#elif defined(__x86_64__)
  __asm__("" : "+x"(value));
#elif defined(__aarch64__)
  __asm__("" : "+w"(value));
#else
  (void)value;
#endif
}

}  // namespace edgeprune
