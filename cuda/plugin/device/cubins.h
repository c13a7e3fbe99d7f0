// Kernels that were compiled ahead and are part of the library.
#pragma once

namespace edgeprune {
namespace plugin {
namespace device {

struct Cubin {
  int sm;             // compute capability without its point
  const void* image;
};

struct Cubins {
  const Cubin* all;
  int count;
};

// Written by prebuilt/build.py.
Cubins embedded_cubins();

// The one that runs on this device: of the same major capability, the newest that is not newer.
// Null where there is none.
const Cubin* choose_cubin(const Cubins& cubins, int sm);

}  // namespace device
}  // namespace plugin
}  // namespace edgeprune
