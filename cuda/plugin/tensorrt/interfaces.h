// TensorRT's headers, 8.5 to 11, and which of its plugin interfaces they have.
#pragma once

#include <NvInferRuntime.h>

// IPluginV3 came with 10; IPluginV2DynamicExt is what 8 has, and goes in 11.
#ifndef EDGEPRUNE_PLUGIN_V3
#define EDGEPRUNE_PLUGIN_V3 (NV_TENSORRT_MAJOR >= 10)
#endif
#ifndef EDGEPRUNE_PLUGIN_V2
#define EDGEPRUNE_PLUGIN_V2 (NV_TENSORRT_MAJOR < 10)
#endif

static_assert(NV_TENSORRT_MAJOR > 8 || (NV_TENSORRT_MAJOR == 8 && NV_TENSORRT_MINOR >= 5),
              "SparseConv2d needs TensorRT 8.5 or later");

#define EDGEPRUNE_EXPORT extern "C" __attribute__((visibility("default")))
