// TensorRT's logger and error recorder, as ones that remember what they are told.
#pragma once

#include <string>

#include "../../plugin/tensorrt/interfaces.h"

namespace edgeprune {
namespace harness {

// A line for each message since `forget`; what the recorder is told begins with "recorded: ".
const std::string& told();
void forget();

nvinfer1::IErrorRecorder& recorder();
nvinfer1::ILoggerFinder& logger_finder();

}  // namespace harness
}  // namespace edgeprune
