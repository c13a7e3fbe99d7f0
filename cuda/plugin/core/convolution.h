// The plugin without TensorRT: what both shells translate for.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "execution.h"
#include "layer_fields.h"
#include "packed_layer.h"
#include "tensors.h"

namespace edgeprune {
namespace plugin {

class Convolution {
 public:
  explicit Convolution(SharedLayer packed);
  // A copy shares the layer, keeps what was chosen, and holds nothing on the device yet.
  Convolution(const Convolution& other);
  Convolution& operator=(const Convolution&) = delete;

  const sparse::Layer& layer() const { return packed_->layer; }
  // What is kept of it; lives as long as this.
  const Fields& fields() const { return fields_.fields(); }
  // Equal for layers whose kernels take the same time.
  const char* timing_id() const { return timing_id_.c_str(); }

  bool supports(const Tensors& tensors, size_t position) const;

  // Of tensors with the sizes to tune for.
  std::vector<int> tactics(const Tensors& tensors) const;
  void set_tactic(int code);

  // Uploads what these tensors need, where that has not been done.
  void prepare(const Tensors& tensors);
  void enqueue(const Tensors& tensors, const Addresses& addresses, void* stream);
  // Gives back what it holds on the device.
  void release();

 private:
  SharedLayer packed_;
  LayerFields fields_;
  std::string timing_id_;
  int tactic_ = kDefaultTactic;
  std::unique_ptr<Execution> execution_;
};

}  // namespace plugin
}  // namespace edgeprune
