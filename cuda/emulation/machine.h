// What a launch is made of while it runs: its threads, their block, and what went wrong.
#pragma once

#include <cstdarg>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "context.h"

namespace edgeprune {
namespace emulation {

constexpr unsigned kWarp = 32;
constexpr unsigned kFullMask = 0xffffffffu;

enum class State { kReady, kAtBarrier, kInCollective, kDone };
enum class Schedule { kForward = 0, kReverse = 1, kRandom = 2 };
enum class Collective { kSync, kShuffle, kMultiply };

// A copy that cp.async has begun: its bytes arrive when the thread waits for them.
struct PendingCopy {
  size_t to;
  const char* from;
  unsigned copied, zeroed;
};

struct Access;     // see counters.h
struct Fragments;  // see fragments.h

struct Fiber {
  unsigned thread = 0;
  State state = State::kReady;
  Context context;
  char* stack = nullptr;
  // What it brings to a collective of its warp, and takes away.
  Collective operation = Collective::kSync;
  unsigned mask = 0;
  unsigned source = 0;
  uint32_t value = 0;
  uint32_t result = 0;
  Fragments* fragments = nullptr;
  std::vector<PendingCopy> pending;
#if defined(__SANITIZE_ADDRESS__)
  void* sanitizer = nullptr;
#endif
};

struct WarpState {
  unsigned arrived = 0;  // lanes waiting in a collective
  uint32_t epoch = 0;    // grows where a collective orders the memory of its lanes
};

struct Options {
  Schedule schedule = Schedule::kForward;
  uint64_t seed = 1;
};

struct Machine {
  unsigned grid[3] = {1, 1, 1};
  unsigned block[3] = {0, 0, 0};  // index of the one that runs
  unsigned threads = 0;
  std::vector<Fiber> fibers;
  std::vector<WarpState> warps;
  Fiber* current = nullptr;
  Context scheduler;
  std::function<void()> kernel;
  char* shared = nullptr;
  size_t shared_bytes = 0;
  uint32_t epoch = 0;        // grows at every barrier, never back
  uint32_t first_epoch = 0;  // of the block that runs
  Options options;
  std::string failure;  // the first thing that went wrong; ends the launch
#if defined(__SANITIZE_ADDRESS__)
  void* sanitizer = nullptr;
  const void* sanitizer_stack = nullptr;
  size_t sanitizer_bytes = 0;
#endif
};

inline Machine& machine() {
  static thread_local Machine only;
  return only;
}

inline unsigned lane_of(const Fiber& fiber) { return fiber.thread % kWarp; }
inline unsigned warp_of(const Fiber& fiber) { return fiber.thread / kWarp; }

inline void to_scheduler() {
  Machine& m = machine();
  Fiber* me = m.current;
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(me->state == State::kDone ? nullptr : &me->sanitizer,
                                 m.sanitizer_stack, m.sanitizer_bytes);
#endif
  switch_stack(&me->context, &m.scheduler);
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(me->sanitizer, &m.sanitizer_stack, &m.sanitizer_bytes);
#endif
}

// Notes what went wrong, with the place; the first one counts.
inline void note_failure(const std::string& what, const Fiber* fiber) {
  Machine& m = machine();
  if (!m.failure.empty()) return;
  m.failure = what + " [block " + std::to_string(m.block[0]) + "," + std::to_string(m.block[1]) +
              "," + std::to_string(m.block[2]);
  if (fiber) m.failure += " thread " + std::to_string(fiber->thread);
  m.failure += "]";
}

// Ends the launch from within a thread.
[[noreturn]] inline void fail(const std::string& what) {
  Machine& m = machine();
  note_failure(what, m.current);
  m.current->state = State::kDone;
  for (;;) to_scheduler();
}

}  // namespace emulation
}  // namespace edgeprune
