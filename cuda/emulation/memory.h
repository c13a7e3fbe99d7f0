// Views of the memories: every access is checked for its bounds, for races, and counted.
#pragma once

#include <cstring>
#include <vector>

#include "counters.h"
#include "machine.h"
#if defined(EDGEPRUNE_RACES)
#include "races.h"
#endif

namespace edgeprune {
namespace emulation {

// Arrays that the kernel may touch, by the addresses they have on a device: each in a page of its
// own, as cudaMalloc aligns them, so that counts of sectors do not depend on the host's allocator.
struct Extent {
  const char* begin;
  size_t bytes;
  bool writable;
};

inline std::vector<Extent>& extents() {
  static thread_local std::vector<Extent> only;
  return only;
}

inline void check_global(const void* at, size_t bytes, bool store) {
  const char* begin = static_cast<const char*>(at);
  for (const Extent& extent : extents()) {
    if (begin < extent.begin || begin + bytes > extent.begin + extent.bytes) continue;
    if (reinterpret_cast<uintptr_t>(begin) % bytes != 0) fail("misaligned access to global memory");
    if (store && !extent.writable) fail("a store to an array that is only read");
    return;
  }
  fail("access to global memory out of bounds");
}

inline void check_shared(size_t byte, size_t bytes) {
  if (byte + bytes > machine().shared_bytes) fail("access to shared memory out of bounds");
  if (byte % bytes != 0) fail("misaligned access to shared memory");
}

#if defined(EDGEPRUNE_COUNT)
#define EDGEPRUNE_PLACE const char *file = __builtin_FILE(), int line = __builtin_LINE()
#define EDGEPRUNE_HERE , file, line
#define EDGEPRUNE_NOTE(SHARED, STORE, ROLE, ADDRESS, BYTES)               \
  count_access({{file, line}, SHARED, STORE, static_cast<int>(ROLE),      \
                static_cast<uint64_t>(ADDRESS), static_cast<unsigned>(BYTES)})
#else
#define EDGEPRUNE_PLACE int = 0
#define EDGEPRUNE_HERE
#define EDGEPRUNE_NOTE(...) static_cast<void>(0)
#endif

class Shared {
 public:
  explicit Shared(size_t offset = 0, sparse::SharedRole role = sparse::SharedRole::kWords)
      : offset_(offset), role_(role) {}

  Shared part(int bytes, sparse::SharedRole role) const {
    return Shared(offset_ + static_cast<size_t>(bytes), role);
  }

  template <class T>
  T load(int byte, EDGEPRUNE_PLACE) const {
    const size_t at = place(byte);
    check_shared(at, sizeof(T));
    EDGEPRUNE_NOTE(true, false, role_, at, sizeof(T));
#if defined(EDGEPRUNE_RACES)
    note_read(at, sizeof(T));
#endif
    T value;
    std::memcpy(&value, machine().shared + at, sizeof(T));
    return value;
  }

  template <class T>
  void store(int byte, T value, EDGEPRUNE_PLACE) const {
    const size_t at = place(byte);
    check_shared(at, sizeof(T));
    EDGEPRUNE_NOTE(true, true, role_, at, sizeof(T));
#if defined(EDGEPRUNE_RACES)
    note_write(at, sizeof(T));
#endif
    std::memcpy(machine().shared + at, &value, sizeof(T));
  }

  // Lanes that take no part are noted, so that turns of the others stay together.
  template <class T>
  T load_if(bool there, int byte, EDGEPRUNE_PLACE) const {
    if (there) return load<T>(byte EDGEPRUNE_HERE);
    EDGEPRUNE_NOTE(true, false, role_, 0, 0);
    return T{};
  }

  template <class T>
  void store_if(bool there, int byte, T value, EDGEPRUNE_PLACE) const {
    if (there) return store(byte, value EDGEPRUNE_HERE);
    EDGEPRUNE_NOTE(true, true, role_, 0, 0);
  }

  size_t place(int byte) const { return offset_ + static_cast<size_t>(static_cast<long>(byte)); }

 private:
  size_t offset_;
  sparse::SharedRole role_;
};

template <class T>
class Global {
 public:
  Global(const void* data, sparse::GlobalRole role)
      : data_(static_cast<const char*>(data)), role_(role) {}

  Global from(long long first) const {
    return Global(data_ + first * static_cast<long long>(sizeof(T)), role_);
  }

  explicit operator bool() const { return data_ != nullptr; }

  T load(int index, EDGEPRUNE_PLACE) const {
    const char* at = data_ + index * static_cast<long>(sizeof(T));
    check_global(at, sizeof(T), false);
    EDGEPRUNE_NOTE(false, false, role_, reinterpret_cast<uintptr_t>(at), sizeof(T));
    T value;
    std::memcpy(&value, at, sizeof(T));
    return value;
  }

  void store(int index, T value, EDGEPRUNE_PLACE) const {
    char* at = const_cast<char*>(data_) + index * static_cast<long long>(sizeof(T));
    check_global(at, sizeof(T), true);
    EDGEPRUNE_NOTE(false, true, role_, reinterpret_cast<uintptr_t>(at), sizeof(T));
    std::memcpy(at, &value, sizeof(T));
  }

  T load_if(bool there, int index, EDGEPRUNE_PLACE) const {
    if (there) return load(index EDGEPRUNE_HERE);
    EDGEPRUNE_NOTE(false, false, role_, 0, 0);
    return T{};
  }

  void store_if(bool there, int index, T value, EDGEPRUNE_PLACE) const {
    if (there) return store(index, value EDGEPRUNE_HERE);
    EDGEPRUNE_NOTE(false, true, role_, 0, 0);
  }

  // The same memory in other units.
  template <class U>
  Global<U> as() const {
    return Global<U>(data_, role_);
  }

  const char* data() const { return data_; }
  sparse::GlobalRole role() const { return role_; }

 private:
  const char* data_;
  sparse::GlobalRole role_;
};

}  // namespace emulation
}  // namespace edgeprune
