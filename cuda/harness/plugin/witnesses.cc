#include "witnesses.h"

namespace edgeprune {
namespace harness {
namespace {

std::string& lines() {
  static std::string all;
  return all;
}

class Logger final : public nvinfer1::ILogger {
 public:
  void log(Severity severity, const char* message) noexcept override {
    lines() += (severity == Severity::kERROR ? "error: " : "other: ") + std::string(message) + "\n";
  }
};

class Finder final : public nvinfer1::ILoggerFinder {
 public:
  nvinfer1::ILogger* findLogger() override {
    static Logger only;
    return &only;
  }
};

class Recorder final : public nvinfer1::IErrorRecorder {
 public:
  int32_t getNbErrors() const noexcept override { return 0; }
  nvinfer1::ErrorCode getErrorCode(int32_t) const noexcept override {
    return nvinfer1::ErrorCode::kSUCCESS;
  }
  ErrorDesc getErrorDesc(int32_t) const noexcept override { return ""; }
  bool hasOverflowed() const noexcept override { return false; }
  void clear() noexcept override {}
  bool reportError(nvinfer1::ErrorCode, ErrorDesc description) noexcept override {
    lines() += "recorded: " + std::string(description) + "\n";
    return false;
  }
  RefCount incRefCount() noexcept override { return 1; }
  RefCount decRefCount() noexcept override { return 1; }
};

}  // namespace

const std::string& told() { return lines(); }
void forget() { lines().clear(); }

nvinfer1::IErrorRecorder& recorder() {
  static Recorder only;
  return only;
}

nvinfer1::ILoggerFinder& logger_finder() {
  static Finder only;
  return only;
}

}  // namespace harness
}  // namespace edgeprune
