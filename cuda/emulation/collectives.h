// Barriers and shuffles, with the rules that hardware leaves unchecked.
#pragma once

#include <cstring>

#include "counters.h"
#include "fragments.h"
#include "machine.h"

namespace edgeprune {
namespace emulation {

inline void sync_block() {
  machine().current->state = State::kAtBarrier;
  to_scheduler();
}

// The last lane of `mask` has come: hands out the results.
inline void complete_collective(Fiber* base, unsigned mask, Collective operation) {
  for (unsigned lane = 0; lane < kWarp; ++lane) {
    if (!(mask >> lane & 1u)) continue;
    Fiber& fiber = base[lane];
    if (fiber.mask != mask || fiber.operation != operation) {
      fail("lanes of one collective disagree on its mask or on what it is");
    }
    if (operation == Collective::kShuffle) {
      if (!(mask >> fiber.source & 1u)) fail("a shuffle reads a lane that is not in its mask");
      fiber.result = base[fiber.source].value;
    }
  }
  if (operation == Collective::kMultiply) multiply_fragments(base);
}

inline uint32_t collective(Collective operation, unsigned mask, uint32_t value, unsigned source) {
  Machine& m = machine();
  Fiber* me = m.current;
  WarpState& warp = m.warps[warp_of(*me)];
  Fiber* base = &m.fibers[warp_of(*me) * kWarp];
  if (!(mask >> lane_of(*me) & 1u)) fail("the calling lane is not in the mask of its collective");
  me->operation = operation;
  me->mask = mask;
  me->value = value;
  me->source = source;
  warp.arrived |= 1u << lane_of(*me);
  if ((warp.arrived & mask) != mask) {
    for (unsigned lane = 0; lane < kWarp; ++lane) {
      if ((mask >> lane & 1u) && base[lane].state == State::kDone) {
        fail("the mask of a collective names a lane that has ended");
      }
    }
    me->state = State::kInCollective;
    to_scheduler();
    return me->result;
  }
  complete_collective(base, mask, operation);
  warp.arrived &= ~mask;
  if (operation == Collective::kSync) ++warp.epoch;
  for (unsigned lane = 0; lane < kWarp; ++lane) {
    if ((mask >> lane & 1u) && &base[lane] != me) base[lane].state = State::kReady;
  }
  if (mask == kFullMask) flush_counters(warp_of(*me));
  return me->result;
}

inline void sync_warp() { collective(Collective::kSync, kFullMask, 0, 0); }

template <class T>
inline T shuffle(unsigned mask, T value, unsigned source) {
  static_assert(sizeof(T) == 4, "shuffles move 32 bits");
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  bits = collective(Collective::kShuffle, mask, bits, source);
  std::memcpy(&value, &bits, sizeof(bits));
  return value;
}

template <class T>
inline T shuffle_xor(unsigned mask, T value, unsigned with) {
  return shuffle(mask, value, lane_of(*machine().current) ^ with);
}

}  // namespace emulation
}  // namespace edgeprune
