// A launch: every block of the grid, one after the other.
#pragma once

#include <cstdlib>

#include "memory.h"
#include "scheduler.h"

namespace edgeprune {
namespace emulation {

// Runs `kernel` and leaves what went wrong, if anything, in machine().failure.
inline void launch(const unsigned (&grid)[3], unsigned threads, size_t shared_bytes,
                   std::function<void()> kernel) {
  Machine& m = machine();
  m.failure.clear();
  if (threads == 0 || threads % kWarp != 0 || threads > 1024) {
    m.failure = "a block of " + std::to_string(threads) + " threads";
    return;
  }
  reserve_fibers(threads);
  m.threads = threads;
  m.kernel = std::move(kernel);
  m.shared_bytes = shared_bytes;
  // Exactly as large, so that a sanitizer sees what lies behind it.
  m.shared = static_cast<char*>(std::malloc(shared_bytes));
  reset_counters();
#if defined(EDGEPRUNE_RACES)
  reset_races(shared_bytes);
#endif
  std::copy_n(grid, 3, m.grid);
  for (m.block[2] = 0; m.block[2] < grid[2]; ++m.block[2]) {
    for (m.block[1] = 0; m.block[1] < grid[1]; ++m.block[1]) {
      for (m.block[0] = 0; m.block[0] < grid[0] && m.failure.empty(); ++m.block[0]) run_block();
    }
  }
  std::free(m.shared);
  m.shared = nullptr;
}

}  // namespace emulation
}  // namespace edgeprune
