// The host's memory as a device's, that counts what is asked of it and fails when told to.
#pragma once

namespace edgeprune {
namespace harness {

struct DeviceCounts {
  int live;         // arrays that have not been released
  int allocations;  // since the counts were forgotten, as the rest
  int uploads;
};

DeviceCounts& device_counts();
// Compute capability that it answers with.
void set_capability(int sm);
// Lets the call number `after` from now on to allocate or upload fail; negative for none.
void fail_after(int calls);

}  // namespace harness
}  // namespace edgeprune
