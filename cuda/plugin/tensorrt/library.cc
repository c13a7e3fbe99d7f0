#include "library.h"

#include <dlfcn.h>

#include <cstdio>
#include <string>

#include "names.h"

namespace edgeprune {
namespace plugin {
namespace {

void* find_symbol(const char* name) {
  if (void* symbol = dlsym(RTLD_DEFAULT, name)) return symbol;
  // Python loads TensorRT for itself alone, so that its symbols are not in the global scope.
  const std::string file = "libnvinfer.so." + std::to_string(NV_TENSORRT_MAJOR);
  void* library = dlopen(file.c_str(), RTLD_LAZY | RTLD_NOLOAD);
  return library == nullptr ? nullptr : dlsym(library, name);
}

template <class Function>
Function* find_function(const char* name) {
  return reinterpret_cast<Function*>(find_symbol(name));
}

// 8.5.2 says 8502, 10.3.0 says 100300.
int major_of(int version) { return version < 10000 ? version / 1000 : version / 10000; }

// Interfaces differ between major versions, so that calling another one's would crash.
bool is_ours() {
  const auto version_of = find_function<int32_t()>("getInferLibVersion");
  if (version_of == nullptr) return false;
  const int major = major_of(version_of());
  if (major == NV_TENSORRT_MAJOR) return true;
  const bool is_rtx = major < 8;  // it takes the library through its registry's loadLibrary
  if (!is_rtx) {
    std::fprintf(stderr, "%s: built for TensorRT %d, this process has %d; build it here\n", kName,
                 NV_TENSORRT_MAJOR, major);
  }
  return false;
}

bool is_ours_once() {
  static const bool answer = is_ours();
  return answer;
}

}  // namespace

nvinfer1::ILogger* tensorrt_logger() noexcept {
  const auto function = find_function<nvinfer1::ILogger*()>("getLogger");
  return function == nullptr || !is_ours_once() ? nullptr : function();
}

nvinfer1::IPluginRegistry* tensorrt_registry() noexcept {
  const auto function = find_function<nvinfer1::IPluginRegistry*()>("getPluginRegistry");
  return function == nullptr || !is_ours_once() ? nullptr : function();
}

}  // namespace plugin
}  // namespace edgeprune
