// What the kernel for tensor cores is written in beyond primitives.cuh.
#pragma once

#include "primitives.cuh"

#if defined(EDGEPRUNE_EMULATION)
#include "../emulation/mma.h"
#else
#include "mma_device.cuh"
#endif
