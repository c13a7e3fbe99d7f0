// What a process with TensorRT answers to a plugin library that is loaded, and what it was told.
#include <algorithm>
#include <string>
#include <vector>

#include "../../plugin/tensorrt/interfaces.h"

namespace {

struct Entry {
  const void* creator;
  std::string name;
};

class Registry final : public nvinfer1::IPluginRegistry {
 public:
  bool registerCreator(nvinfer1::IPluginCreator& creator, const char* name) noexcept override {
    return enter(&creator, std::string("V1 ") + creator.getPluginName() + " " +
                               creator.getPluginVersion() + " " + name);
  }
  bool registerCreator(nvinfer1::IPluginCreatorInterface& creator,
                       const char* name) noexcept override {
    auto& one = static_cast<nvinfer1::IPluginCreatorV3One&>(creator);
    return enter(&creator, std::string(one.getInterfaceInfo().kind) + " " + one.getPluginName() +
                               " " + one.getPluginVersion() + " " + name);
  }
  bool deregisterCreator(const nvinfer1::IPluginCreator& creator) noexcept override {
    return leave(&creator);
  }
  bool deregisterCreator(const nvinfer1::IPluginCreatorInterface& creator) noexcept override {
    return leave(&creator);
  }

  nvinfer1::IPluginCreator* const* getPluginCreatorList(int32_t*) const noexcept override {
    return nullptr;
  }
  nvinfer1::IPluginCreator* getPluginCreator(const char*, const char*,
                                             const char*) noexcept override {
    return nullptr;
  }
  void setErrorRecorder(nvinfer1::IErrorRecorder*) noexcept override {}
  nvinfer1::IErrorRecorder* getErrorRecorder() const noexcept override { return nullptr; }
  bool isParentSearchEnabled() const override { return false; }
  void setParentSearchEnabled(bool) override {}
  void* loadLibrary(const char*) noexcept override { return nullptr; }
  void deregisterLibrary(void*) noexcept override {}
  nvinfer1::IPluginCreatorInterface* const* getAllCreators(int32_t*) const noexcept override {
    return nullptr;
  }
  nvinfer1::IPluginCreatorInterface* getCreator(const char*, const char*,
                                                const char*) noexcept override {
    return nullptr;
  }
  nvinfer1::IPluginResource* acquirePluginResource(const char*,
                                                   nvinfer1::IPluginResource*) noexcept override {
    return nullptr;
  }
  int32_t releasePluginResource(const char*) noexcept override { return 0; }
  nvinfer1::IPluginCreatorInterface* const* getAllCreatorsRecursive(int32_t*) noexcept override {
    return nullptr;
  }

  const std::string& names() {
    names_.clear();
    for (const Entry& entry : entries_) names_ += entry.name + "\n";
    return names_;
  }

 private:
  bool enter(const void* creator, const std::string& name) {
    for (const Entry& entry : entries_) {
      if (entry.name == name) return false;
    }
    entries_.push_back({creator, name});
    return true;
  }
  bool leave(const void* creator) {
    const auto last = std::remove_if(entries_.begin(), entries_.end(), [=](const Entry& entry) {
      return entry.creator == creator;
    });
    const bool found = last != entries_.end();
    entries_.erase(last, entries_.end());
    return found;
  }

  std::vector<Entry> entries_;
  std::string names_;
};

Registry& registry() {
  static Registry only;
  return only;
}

}  // namespace

extern "C" {
nvinfer1::IPluginRegistry* getPluginRegistry() noexcept { return &registry(); }
nvinfer1::ILogger* getLogger() noexcept { return nullptr; }
int32_t getInferLibVersion() noexcept { return STANDIN_VERSION; }
const char* standin_entries() { return registry().names().c_str(); }
}
