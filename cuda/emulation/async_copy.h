// cp.async: the bytes arrive when the thread waits for them, and not before.
#pragma once

#include "memory.h"

namespace edgeprune {
namespace emulation {

// Copies the first `bytes` of 16 and makes the rest zero, or does nothing where they are 0.
template <class T>
inline void copy_async(const Shared& to, int byte, const Global<T>& from, int index,
                       int bytes, EDGEPRUNE_PLACE) {
  if (bytes == 0) {
    EDGEPRUNE_NOTE(false, false, from.role(), 0, 0);
    EDGEPRUNE_NOTE(true, true, sparse::SharedRole::kRaw, 0, 0);
    return;
  }
  const char* source = from.data() + index * static_cast<long>(sizeof(T));
  const size_t at = to.place(byte);
  check_shared(at, 16);
  if (reinterpret_cast<uintptr_t>(source) % 16 != 0) fail("misaligned access to global memory");
  for (int i = 0; i < bytes; i += static_cast<int>(sizeof(T))) {
    check_global(source + i, sizeof(T), false);
  }
  EDGEPRUNE_NOTE(false, false, from.role(), reinterpret_cast<uintptr_t>(source), bytes);
  EDGEPRUNE_NOTE(true, true, sparse::SharedRole::kRaw, at, 16);
#if defined(EDGEPRUNE_RACES)
  note_write(at, 16, true);
#endif
  const unsigned copied = static_cast<unsigned>(bytes);
  machine().current->pending.push_back({at, source, copied, 16 - copied});
}

inline void wait_copies() {
  for (const PendingCopy& copy : machine().current->pending) {
    std::memcpy(machine().shared + copy.to, copy.from, copy.copied);
    std::memset(machine().shared + copy.to + copy.copied, 0, copy.zeroed);
#if defined(EDGEPRUNE_RACES)
    note_write(copy.to, copy.copied + copy.zeroed);
#endif
  }
  machine().current->pending.clear();
}

}  // namespace emulation
}  // namespace edgeprune
