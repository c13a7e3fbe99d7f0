// The TensorRT of this process. It is looked up and not linked with, as a plugin library may be
// loaded into programs that name TensorRT's library otherwise, or hold none.
#pragma once

#include "interfaces.h"

namespace edgeprune {
namespace plugin {

// Null where no TensorRT of the version that this was compiled for is loaded.
nvinfer1::ILogger* tensorrt_logger() noexcept;
nvinfer1::IPluginRegistry* tensorrt_registry() noexcept;

}  // namespace plugin
}  // namespace edgeprune
