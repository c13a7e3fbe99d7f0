// Exact counts of what a launch does to the memories and to the lanes of a warp. Lanes run one after
// the other here, so an access is noted and, when all lanes of the warp have met, those of the same
// place in the source and the same turn of its loop are taken together: what a warp issues at once.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "../kernels/roles.h"
#include "machine.h"

namespace edgeprune {
namespace emulation {

constexpr int kSharedRoles = static_cast<int>(sparse::SharedRole::kCount);
constexpr int kGlobalRoles = static_cast<int>(sparse::GlobalRole::kCount);

struct SharedCounts {
  uint64_t loads, stores;  // instructions of a warp
  uint64_t conflicts;      // extra cycles: two words of one bank in one phase
  uint64_t clocks;         // of all banks, 128 bytes each; with the extra ones
};

struct GlobalCounts {
  uint64_t requests;  // instructions of a warp
  uint64_t sectors;   // of 32 bytes, each once a request
};

struct Counters {
  SharedCounts shared[kSharedRoles];
  GlobalCounts global[kGlobalRoles];
  uint64_t multiply_adds;         // of lanes
  uint64_t multiply_adds_issued;  // the same with the lanes that waited
};

inline Counters& counters() {
  static thread_local Counters only = {};
  return only;
}

#if defined(EDGEPRUNE_COUNT)

struct Place {
  const char* file;
  int line;
};

struct Access {
  Place place;
  bool shared, store;
  int role;
  uint64_t address;
  unsigned bytes;  // 0: this lane took no part
};

struct LaneLog {
  std::vector<Access> accesses;
  uint64_t multiply_adds = 0;
};

inline std::vector<LaneLog>& logs() {
  static thread_local std::vector<LaneLog> only;
  return only;
}

// Accesses of 8 and 16 bytes pass in phases of 16 and 8 lanes; words of a bank, in a phase, in turn.
inline uint64_t bank_conflicts(const std::vector<std::pair<unsigned, Access>>& lanes) {
  const unsigned bytes = std::max(4u, lanes.front().second.bytes);
  const unsigned per_phase = 128 / bytes;
  std::map<std::pair<unsigned, unsigned>, std::set<uint64_t>> banks;
  std::map<unsigned, size_t> turns;
  for (const auto& lane : lanes) {
    const unsigned phase = lane.first / per_phase;
    for (unsigned b = 0; b < bytes; b += 4) {
      const uint64_t word = (lane.second.address + b) / 4;
      auto& words = banks[{phase, static_cast<unsigned>(word % 32)}];
      words.insert(word);
      turns[phase] = std::max(turns[phase], words.size());
    }
  }
  uint64_t extra = 0;
  for (const auto& phase : turns) extra += phase.second - 1;
  return extra;
}

// Clocks that the words of a request take where no two lie in one bank; those that lanes share, once.
inline uint64_t shared_clocks(const std::vector<std::pair<unsigned, Access>>& lanes) {
  std::set<uint64_t> words;
  for (const auto& lane : lanes) {
    const uint64_t last = (lane.second.address + lane.second.bytes - 1) / 4;
    for (uint64_t word = lane.second.address / 4; word <= last; ++word) words.insert(word);
  }
  return (words.size() + 31) / 32;
}

inline uint64_t sectors(const std::vector<std::pair<unsigned, Access>>& lanes) {
  std::set<uint64_t> touched;
  for (const auto& lane : lanes) {
    touched.insert(lane.second.address / 32);
    touched.insert((lane.second.address + lane.second.bytes - 1) / 32);
  }
  return touched.size();
}

inline void count_request(const std::vector<std::pair<unsigned, Access>>& lanes) {
  const Access& first = lanes.front().second;
  if (first.shared) {
    SharedCounts& counts = counters().shared[first.role];
    ++(first.store ? counts.stores : counts.loads);
    const uint64_t extra = bank_conflicts(lanes);
    counts.conflicts += extra;
    counts.clocks += shared_clocks(lanes) + extra;
  } else {
    GlobalCounts& counts = counters().global[first.role];
    ++counts.requests;
    counts.sectors += sectors(lanes);
  }
}

inline void flush_counters(unsigned warp) {
  using Key = std::pair<std::pair<const char*, int>, unsigned>;  // place and turn
  std::map<Key, std::vector<std::pair<unsigned, Access>>> requests;
  uint64_t most = 0;
  for (unsigned lane = 0; lane < kWarp; ++lane) {
    LaneLog& log = logs()[warp * kWarp + lane];
    std::map<std::pair<const char*, int>, unsigned> turns;
    for (const Access& access : log.accesses) {
      const std::pair<const char*, int> place(access.place.file, access.place.line);
      const Key key(place, turns[place]++);
      if (access.bytes != 0) requests[key].push_back({lane, access});
    }
    counters().multiply_adds += log.multiply_adds;
    most = std::max(most, log.multiply_adds);
    log = LaneLog();
  }
  counters().multiply_adds_issued += most * kWarp;
  for (const auto& request : requests) count_request(request.second);
}

inline void count_access(const Access& access) {
  logs()[machine().current->thread].accesses.push_back(access);
}
inline void count_multiply_adds(unsigned number) {
  logs()[machine().current->thread].multiply_adds += number;
}
inline void reset_counters() {
  counters() = Counters();
  logs().assign(machine().threads, LaneLog());
}

#else

inline void flush_counters(unsigned) {}
inline void count_multiply_adds(unsigned) {}
inline void reset_counters() { counters() = Counters(); }

#endif

}  // namespace emulation
}  // namespace edgeprune
