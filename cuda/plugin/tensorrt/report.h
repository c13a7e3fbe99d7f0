// Carries a refusal to TensorRT's logger and error recorder; nothing is thrown into TensorRT.
#pragma once

#include <exception>

#include "interfaces.h"

namespace edgeprune {
namespace plugin {

#if EDGEPRUNE_PLUGIN_V3
// Where TensorRT says how its loggers are found, which it does for libraries that it loads.
void set_logger_finder(nvinfer1::ILoggerFinder* finder);
#endif

// One line for the user; `recorder` may be null.
void report(const char* what, nvinfer1::IErrorRecorder* recorder) noexcept;

// What `action` returns, or `failure` where it throws, which is reported.
template <class Result, class Action>
Result guarded(Result failure, nvinfer1::IErrorRecorder* recorder, Action&& action) noexcept {
  try {
    return action();
  } catch (const std::exception& thrown) {
    report(thrown.what(), recorder);
    return failure;
  }
}

}  // namespace plugin
}  // namespace edgeprune
