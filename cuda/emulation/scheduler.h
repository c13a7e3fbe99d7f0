// Runs the threads of a block in turns, each until it waits or ends.
#pragma once

#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <numeric>

#include "counters.h"
#include "machine.h"

namespace edgeprune {
namespace emulation {

inline void fiber_main() {
  Machine& m = machine();
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(nullptr, &m.sanitizer_stack, &m.sanitizer_bytes);
#endif
  m.kernel();
  m.current->state = State::kDone;
  for (;;) to_scheduler();
}

inline void resume(Fiber* fiber) {
  Machine& m = machine();
  m.current = fiber;
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(&m.sanitizer, fiber->stack, kStackBytes);
#endif
  switch_stack(&m.scheduler, &fiber->context);
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(m.sanitizer, nullptr, nullptr);
#endif
  m.current = nullptr;
}

inline void reserve_fibers(unsigned threads) {
  Machine& m = machine();
  while (m.fibers.size() < threads) {
    Fiber fiber;
    fiber.stack = static_cast<char*>(mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE,
                                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    if (fiber.stack == MAP_FAILED) throw std::bad_alloc();
    m.fibers.push_back(std::move(fiber));
  }
}

// The order in which a turn takes the threads.
class Order {
 public:
  Order(unsigned threads, Options options) : order_(threads), random_(options.seed * 2 + 1) {
    std::iota(order_.begin(), order_.end(), 0u);
    if (options.schedule == Schedule::kReverse) std::reverse(order_.begin(), order_.end());
    shuffled_ = options.schedule == Schedule::kRandom;
  }

  const std::vector<unsigned>& next() {
    for (size_t i = order_.size() - 1; shuffled_ && i > 0; --i) {
      random_ ^= random_ << 13;
      random_ ^= random_ >> 7;
      random_ ^= random_ << 17;
      std::swap(order_[i], order_[random_ % (i + 1)]);
    }
    return order_;
  }

 private:
  std::vector<unsigned> order_;
  uint64_t random_;
  bool shuffled_ = false;
};

inline unsigned count(State state) {
  const Machine& m = machine();
  return static_cast<unsigned>(
      std::count_if(m.fibers.begin(), m.fibers.begin() + m.threads,
                    [state](const Fiber& fiber) { return fiber.state == state; }));
}

// All threads wait or have ended: opens the barrier, or says why it never opens.
inline void open_barrier() {
  Machine& m = machine();
  const unsigned waiting = count(State::kAtBarrier), done = count(State::kDone);
  if (waiting + done != m.threads) {
    const auto stuck = std::find_if(
        m.fibers.begin(), m.fibers.end(),
        [](const Fiber& fiber) { return fiber.state == State::kInCollective; });
    note_failure("deadlock: threads wait at a barrier and in a collective of their warp", &*stuck);
  } else if (done != 0) {
    note_failure("barrier divergence: " + std::to_string(done) + " threads ended while others wait",
                 nullptr);
  }
  ++m.epoch;
  for (unsigned i = 0; i < m.threads; ++i) m.fibers[i].state = State::kReady;
  for (unsigned w = 0; w < m.warps.size(); ++w) flush_counters(w);
}

inline void start_block() {
  Machine& m = machine();
  std::memset(m.shared, 0xff, m.shared_bytes);  // NaN in every format
  m.first_epoch = ++m.epoch;
  m.warps.assign(m.threads / kWarp, WarpState());
  for (unsigned i = 0; i < m.threads; ++i) {
    Fiber& fiber = m.fibers[i];
    fiber.thread = i;
    fiber.state = State::kReady;
    fiber.pending.clear();
#if defined(__SANITIZE_ADDRESS__)
    // Frames of the thread that had this stack before were left, not returned from.
    ASAN_UNPOISON_MEMORY_REGION(fiber.stack, kStackBytes);
#endif
    prepare(&fiber.context, fiber.stack, &fiber_main);
  }
}

inline void run_block() {
  Machine& m = machine();
  start_block();
  Order order(m.threads, m.options);
  while (m.failure.empty() && count(State::kDone) != m.threads) {
    bool ran = false;
    for (unsigned i : order.next()) {
      if (m.fibers[i].state != State::kReady || !m.failure.empty()) continue;
      resume(&m.fibers[i]);
      ran = true;
    }
    if (!ran) open_barrier();
  }
  for (unsigned w = 0; w < m.warps.size(); ++w) flush_counters(w);
}

}  // namespace emulation
}  // namespace edgeprune
