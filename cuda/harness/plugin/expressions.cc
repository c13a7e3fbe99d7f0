#include "expressions.h"

#include <stdexcept>

namespace edgeprune {
namespace harness {

using Operation = nvinfer1::DimensionOperation;

// A number, an open size, or two expressions and what is done with them.
class Expression final : public nvinfer1::IDimensionExpr, public nvinfer1::apiv::VDimensionExpr {
 public:
  static Expression* number(int64_t value) { return new Expression(value, -1); }
  static Expression* open(int index) { return new Expression(0, index); }
  Expression(Operation operation, const Expression& first, const Expression& second)
      : Expression(0, -1) {
    operation_ = operation;
    first_ = &first;
    second_ = &second;
  }

  bool isConstant() const override { return index_ < 0 && first_ == nullptr; }
  int64_t getConstantValue() const override { return value_; }
  bool isSizeTensor() const override { return false; }

  int64_t value(const std::vector<int64_t>& sizes) const {
    if (index_ >= 0) return sizes.at(static_cast<size_t>(index_));
    if (first_ == nullptr) return value_;
    const int64_t a = first_->value(sizes), b = second_->value(sizes);
    switch (operation_) {
      case Operation::kSUM: return a + b;
      case Operation::kPROD: return a * b;
      case Operation::kMAX: return a > b ? a : b;
      case Operation::kMIN: return a < b ? a : b;
      case Operation::kSUB: return a - b;
      case Operation::kEQUAL: return a == b;
      case Operation::kLESS: return a < b;
      case Operation::kFLOOR_DIV: return a / b - (a % b < 0);
      case Operation::kCEIL_DIV: return a / b + (a % b > 0);
    }
    throw std::logic_error("an operation that TensorRT does not have");
  }

 private:
  Expression(int64_t value, int index) : value_(value), index_(index) { mImpl = this; }

  int64_t value_;
  int index_;
  Operation operation_ = Operation::kSUM;
  const Expression* first_ = nullptr;
  const Expression* second_ = nullptr;
};

class Expressions::Builder final : public nvinfer1::IExprBuilder {
 public:
  explicit Builder(nvinfer1::apiv::VExprBuilder* implementation) { mImpl = implementation; }
  ~Builder() noexcept override = default;
};

Expressions::Expressions() : builder_(new Builder(this)) {}
Expressions::~Expressions() noexcept = default;

nvinfer1::IExprBuilder& Expressions::builder() { return *builder_; }

const nvinfer1::IDimensionExpr* Expressions::open_size() { return keep(Expression::open(open_++)); }

int64_t Expressions::value(const nvinfer1::IDimensionExpr& expression,
                           const std::vector<int64_t>& sizes) {
  return static_cast<const Expression&>(expression).value(sizes);
}

const nvinfer1::IDimensionExpr* Expressions::constant(int64_t value) {
  return keep(Expression::number(value));
}

const nvinfer1::IDimensionExpr* Expressions::operation(Operation op,
                                                       const nvinfer1::IDimensionExpr& first,
                                                       const nvinfer1::IDimensionExpr& second) {
  return keep(new Expression(op, static_cast<const Expression&>(first),
                             static_cast<const Expression&>(second)));
}

const nvinfer1::IDimensionExpr* Expressions::declareSizeTensor(int32_t,
                                                               const nvinfer1::IDimensionExpr&,
                                                               const nvinfer1::IDimensionExpr&) {
  throw std::logic_error("the output has no size that only its values tell");
}

const nvinfer1::IDimensionExpr* Expressions::keep(Expression* expression) {
  all_.emplace_back(expression);
  return expression;
}

}  // namespace harness
}  // namespace edgeprune
