// The tensor cores on the host: the twin of kernels/mma_device.cuh.
#pragma once

#include "collectives.h"

namespace edgeprune {
namespace sparse {

inline void multiply_columns(emulation::Fragments own, unsigned columns) {
  emulation::machine().current->fragments = &own;
  emulation::collective(emulation::Collective::kMultiply, emulation::kFullMask, 0, 0);
  emulation::count_multiply_adds(emulation::kRows * emulation::kPixels * columns /
                                 emulation::kWarp);
}

inline void multiply_fragments(float (&d)[4], const Bits<16>& a, unsigned b0, unsigned b1) {
  multiply_columns({{a.part[0], a.part[1], a.part[2], a.part[3]}, {b0, b1}, d},
                   emulation::kColumns);
}

// Fragments of mma.m16n8k8 are the first registers of those of mma.m16n8k16, by the PTX ISA.
inline void multiply_half_fragments(float (&d)[4], const Bits<16>& a, unsigned b0) {
  multiply_columns({{a.part[0], a.part[1], 0, 0}, {b0, 0}, d}, emulation::kColumns / 2);
}

inline unsigned low_halves(unsigned first, unsigned second) {
  return (first & 0xffffu) | second << 16;
}
inline unsigned high_halves(unsigned first, unsigned second) {
  return first >> 16 | (second & 0xffff0000u);
}

}  // namespace sparse
}  // namespace edgeprune
