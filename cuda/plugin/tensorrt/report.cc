#include "report.h"

#include <cstdio>
#include <string>

#include "library.h"
#include "names.h"

namespace edgeprune {
namespace plugin {
namespace {

#if EDGEPRUNE_PLUGIN_V3
nvinfer1::ILoggerFinder* logger_finder = nullptr;
#endif

nvinfer1::ILogger* find_logger() {
#if EDGEPRUNE_PLUGIN_V3
  if (logger_finder != nullptr) return logger_finder->findLogger();
#endif
  return tensorrt_logger();
}

void log_error(const char* line) {
  nvinfer1::ILogger* logger = find_logger();
  if (logger != nullptr) {
    logger->log(nvinfer1::ILogger::Severity::kERROR, line);
  } else {
    std::fprintf(stderr, "%s\n", line);
  }
}

}  // namespace

#if EDGEPRUNE_PLUGIN_V3
void set_logger_finder(nvinfer1::ILoggerFinder* finder) { logger_finder = finder; }
#endif

void report(const char* what, nvinfer1::IErrorRecorder* recorder) noexcept {
  try {
    const std::string line = std::string(kName) + ": " + what;
    log_error(line.c_str());
    if (recorder != nullptr) {
      recorder->reportError(nvinfer1::ErrorCode::kINVALID_ARGUMENT, line.c_str());
    }
  } catch (const std::exception&) {
    std::fprintf(stderr, "%s: out of memory\n", kName);
  }
}

}  // namespace plugin
}  // namespace edgeprune
