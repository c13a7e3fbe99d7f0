// One multiplication of a warp on the emulated tensor cores, for Python's ctypes.
#include "../emulation/launch.h"
#include "../kernels/mma.cuh"

using namespace edgeprune;

// Of mma.m16n8k16, or of m16n8k8. Registers lane by lane: 4 of a and 2 of b, pairs of halves, and 4 sums. Lanes of `absent` end
// without taking part. Returns 0, or 1 where a check failed.
extern "C" int edgeprune_multiply_fragments(const uint32_t* a, const uint32_t* b, float* d,
                                            uint32_t absent, int half, char* failure,
                                            size_t length) {
  emulation::machine().options = {emulation::Schedule::kForward, 1};
  const unsigned grid[3] = {1, 1, 1};
  emulation::launch(grid, emulation::kWarp, 16, [=] {
    const int lane = sparse::thread_in_block();
    if (absent >> lane & 1u) return;
    sparse::Bits<16> rows;
    std::memcpy(&rows, a + 4 * lane, sizeof(rows));
    float sums[4];
    std::memcpy(sums, d + 4 * lane, sizeof(sums));
    if (half) {
      sparse::multiply_half_fragments(sums, rows, b[2 * lane]);
    } else {
      sparse::multiply_fragments(sums, rows, b[2 * lane], b[2 * lane + 1]);
    }
    std::memcpy(d + 4 * lane, sums, sizeof(sums));
  });
  const std::string& said = emulation::machine().failure;
  const size_t kept = std::min(said.size(), length - 1);
  std::copy_n(said.data(), kept, failure);
  failure[kept] = '\0';
  return said.empty() ? 0 : 1;
}
