// What a process sees of the library: TensorRT asks for the creators of a library that it loads,
// and one that is loaded otherwise (by dlopen, or trtexec --plugins and --staticPlugins) enters
// itself.
#include "interfaces.h"
#include "library.h"
#include "names.h"
#include "report.h"
#include "v2.h"
#include "v3.h"

namespace edgeprune {
namespace plugin {
namespace {

#if EDGEPRUNE_PLUGIN_V3
using Creator = SparseConvCreatorV3;
#else
using Creator = SparseConvCreatorV2;
#endif

Creator& creator() {
  static Creator only;
  return only;
}

// Whether the creator is in the registry by this library's own doing.
bool& entered() {
  static bool is = false;
  return is;
}

// Runs when the library is loaded.
const bool loaded = [] {
  nvinfer1::IPluginRegistry* registry = tensorrt_registry();
  entered() = registry != nullptr && registry->registerCreator(creator(), kNamespace);
  return true;
}();

// A registry refuses to load a library whose creators it holds already.
Creator& handed_over() {
  if (entered()) tensorrt_registry()->deregisterCreator(creator());
  entered() = false;
  return creator();
}

}  // namespace
}  // namespace plugin
}  // namespace edgeprune

#if EDGEPRUNE_PLUGIN_V3
EDGEPRUNE_EXPORT void setLoggerFinder(nvinfer1::ILoggerFinder* finder) {
  edgeprune::plugin::set_logger_finder(finder);
}

EDGEPRUNE_EXPORT nvinfer1::IPluginCreatorInterface* const* getCreators(int32_t& nbCreators) {
  static nvinfer1::IPluginCreatorInterface* const creators[] = {&edgeprune::plugin::handed_over()};
  nbCreators = 1;
  return creators;
}
#else
EDGEPRUNE_EXPORT nvinfer1::IPluginCreator* const* getPluginCreators(int32_t& nbCreators) {
  static nvinfer1::IPluginCreator* const creators[] = {&edgeprune::plugin::handed_over()};
  nbCreators = 1;
  return creators;
}
#endif
