// What a piece of memory is for: counted by role when the kernel is run by the emulation.
#pragma once

namespace edgeprune {
namespace sparse {

enum class SharedRole : int { kWords, kRaw, kColumns, kScratch, kTile, kState, kCount };
enum class GlobalRole : int {
  kSegments, kOffsets, kValues, kSlots, kBias, kInput, kResidual, kOutput, kCount
};

}  // namespace sparse
}  // namespace edgeprune
