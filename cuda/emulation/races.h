// The race checker: for every byte of shared memory the last writer and the last readers. Accesses
// of different threads are in order where a barrier lies between them, or a __syncwarp for threads
// of one warp; elsewhere they race if one of them writes.
#pragma once

#include <string>
#include <vector>

#include "machine.h"

namespace edgeprune {
namespace emulation {

struct Moment {
  uint32_t epoch = 0;       // of the block
  uint32_t warp_epoch = 0;
  int warp = -1;            // -2: several
  int thread = -1;          // -2: several of that warp
};

struct ShadowByte {
  Moment write, read;
  bool pending = false;     // cp.async has begun to write it
};

inline std::vector<ShadowByte>& shadow() {
  static thread_local std::vector<ShadowByte> only;
  return only;
}

inline Moment now() {
  const Machine& m = machine();
  const int warp = static_cast<int>(warp_of(*m.current));
  return {m.epoch, m.warps[static_cast<size_t>(warp)].epoch, warp,
          static_cast<int>(m.current->thread)};
}

inline bool races(const Moment& before, const Moment& me) {
  if (before.epoch != me.epoch || before.thread == me.thread) return false;
  return before.warp != me.warp || before.warp_epoch == me.warp_epoch;
}

[[noreturn]] inline void report_race(size_t byte, const Moment& other, const char* did,
                                     const char* does) {
  const std::string who = other.thread >= 0 ? "thread " + std::to_string(other.thread) : "others";
  fail("race: " + who + " " + did + " byte " + std::to_string(byte) +
       " of shared memory and this thread " + does + " it, without a barrier between them");
}

inline void note_read(size_t byte, size_t bytes) {
  const Moment me = now();
  for (size_t i = byte; i < byte + bytes; ++i) {
    ShadowByte& own = shadow()[i];
    if (own.pending && own.write.epoch >= machine().first_epoch) {
      fail("byte " + std::to_string(i) + " of shared memory is read before cp.async delivers it");
    }
    if (races(own.write, me)) report_race(i, own.write, "wrote", "reads");
    Moment& read = own.read;
    if (read.epoch != me.epoch || (read.warp == me.warp && read.warp_epoch != me.warp_epoch)) {
      read = me;
    } else if (read.warp != me.warp) {
      read.warp = read.thread = -2;
    } else if (read.thread != me.thread) {
      read.thread = -2;
    }
  }
}

inline void note_write(size_t byte, size_t bytes, bool pending = false) {
  const Moment me = now();
  for (size_t i = byte; i < byte + bytes; ++i) {
    ShadowByte& own = shadow()[i];
    if (races(own.write, me)) report_race(i, own.write, "wrote", "writes");
    if (races(own.read, me)) report_race(i, own.read, "read", "writes");
    own.write = me;
    own.pending = pending;
  }
}

inline void reset_races(size_t bytes) { shadow().assign(bytes, ShadowByte()); }

}  // namespace emulation
}  // namespace edgeprune
