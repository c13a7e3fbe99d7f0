// TensorRT's expressions of sizes, evaluated once the sizes are known.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "../../plugin/tensorrt/interfaces.h"

namespace edgeprune {
namespace harness {

class Expression;

class Expressions final : public nvinfer1::apiv::VExprBuilder {
 public:
  Expressions();
  ~Expressions() noexcept override;

  nvinfer1::IExprBuilder& builder();
  // A size that is not known while a network is built.
  const nvinfer1::IDimensionExpr* open_size();
  // The value of an expression, with the open sizes in the order in which they were made.
  static int64_t value(const nvinfer1::IDimensionExpr& expression,
                       const std::vector<int64_t>& sizes);

  const nvinfer1::IDimensionExpr* constant(int64_t value) override;
  const nvinfer1::IDimensionExpr* operation(nvinfer1::DimensionOperation op,
                                            const nvinfer1::IDimensionExpr& first,
                                            const nvinfer1::IDimensionExpr& second) override;
  const nvinfer1::IDimensionExpr* declareSizeTensor(
      int32_t outputIndex, const nvinfer1::IDimensionExpr& opt,
      const nvinfer1::IDimensionExpr& upper) override;

 private:
  const nvinfer1::IDimensionExpr* keep(Expression* expression);

  class Builder;

  std::unique_ptr<Builder> builder_;
  std::vector<std::unique_ptr<Expression>> all_;
  int open_ = 0;
};

}  // namespace harness
}  // namespace edgeprune
