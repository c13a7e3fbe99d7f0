// The tensor cores: the twin of emulation/mma.h.
#pragma once

namespace edgeprune {
namespace sparse {

// d += a * b of mma.m16n8k16; plans ask for it from sm_80 on.
__device__ __forceinline__ void multiply_fragments(float (&d)[4], const Bits<16>& a, unsigned b0,
                                                   unsigned b1) {
#if __CUDA_ARCH__ >= 800
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 "
      "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a.part[0]), "r"(a.part[1]), "r"(a.part[2]), "r"(a.part[3]), "r"(b0), "r"(b1));
#endif
}

// The same of mma.m16n8k8, which has the first half of the columns: a0, a1 and b0.
__device__ __forceinline__ void multiply_half_fragments(float (&d)[4], const Bits<16>& a,
                                                        unsigned b0) {
#if __CUDA_ARCH__ >= 800
  asm volatile(
      "mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 "
      "{%0, %1, %2, %3}, {%4, %5}, {%6}, {%0, %1, %2, %3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a.part[0]), "r"(a.part[1]), "r"(b0));
#endif
}

// One half of each, the first one below.
__device__ __forceinline__ unsigned low_halves(unsigned first, unsigned second) {
  return __byte_perm(first, second, 0x5410);
}
__device__ __forceinline__ unsigned high_halves(unsigned first, unsigned second) {
  return __byte_perm(first, second, 0x7632);
}

}  // namespace sparse
}  // namespace edgeprune
