// A plugin as TensorRT drives it, whichever of its interfaces it has.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "../../plugin/tensorrt/interfaces.h"

namespace edgeprune {
namespace harness {

using Descriptions = std::vector<nvinfer1::PluginTensorDesc>;  // inputs, then the output

class Shell {
 public:
  virtual ~Shell() = default;
  virtual std::unique_ptr<Shell> clone() = 0;
  // What an engine keeps, and a plugin made from a copy of it that is gone by the time it returns.
  virtual std::vector<unsigned char> serialised() = 0;
  virtual std::unique_ptr<Shell> restored() = 0;
  // As an execution context holds it.
  virtual std::unique_ptr<Shell> attached() = 0;

  virtual bool supports(int position, const Descriptions& tensors) = 0;
  virtual nvinfer1::DimsExprs output_sizes(const std::vector<nvinfer1::DimsExprs>& inputs,
                                           nvinfer1::IExprBuilder& builder) = 0;
  virtual nvinfer1::DataType output_type(nvinfer1::DataType input) = 0;
  // While an engine is built: sizes may be open, `tuned` are the ones to tune for.
  virtual bool configure(const Descriptions& tensors, const Descriptions& tuned) = 0;
  virtual std::vector<int32_t> tactics() = 0;
  virtual void set_tactic(int32_t tactic) = 0;
  // While one runs.
  virtual bool change_shape(const Descriptions& tensors) = 0;
  virtual int enqueue(const Descriptions& tensors, const void* const* inputs, void* output) = 0;
};

// Null where the creator refuses.
std::unique_ptr<Shell> create_v2(const std::vector<nvinfer1::PluginField>& fields);
std::unique_ptr<Shell> create_v3(const std::vector<nvinfer1::PluginField>& fields);
std::unique_ptr<Shell> deserialise_v2(const void* bytes, size_t length);

}  // namespace harness
}  // namespace edgeprune
