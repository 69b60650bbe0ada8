#pragma once

// The layers that networks are made of. Products are computed in the precision's type from fp32
// masters; statistics of norms in fp32 whatever comes in.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

#include "trainer/models/builder.h"
#include "trainer/precision/precision.h"

namespace fusor {

enum class Mode : std::uint8_t { kTrain, kEvaluate };

struct ConvShape {
  std::int64_t in = 0;
  std::int64_t out = 0;
  std::int64_t kernel = 3;
  std::int64_t stride = 1;
};

// Without bias; padded so that stride 1 keeps the size.
class Conv2d {
 public:
  Conv2d(ModelBuilder& builder, const std::string& name, const ConvShape& shape);
  at::Tensor Forward(const at::Tensor& input, const Precision& precision) const;

 private:
  ConvShape shape_;
  at::Tensor weight_;
};

class BatchNorm2d {
 public:
  BatchNorm2d(ModelBuilder& builder, const std::string& name, std::int64_t channels);
  at::Tensor Forward(const at::Tensor& input, Mode mode) const;

 private:
  at::Tensor weight_;
  at::Tensor bias_;
  at::Tensor mean_;
  at::Tensor variance_;
  at::Tensor batches_;
};

class Linear {
 public:
  Linear(ModelBuilder& builder, const std::string& name, std::int64_t in, std::int64_t out);
  at::Tensor Forward(const at::Tensor& input, const Precision& precision) const;

 private:
  at::Tensor weight_;
  at::Tensor bias_;
};

}  // namespace fusor
