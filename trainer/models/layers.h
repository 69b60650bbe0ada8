#pragma once

// The layers that networks are made of. Products are computed in the precision's type from the
// masters; statistics and sums of norms in the masters' type whatever comes in.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

#include "trainer/models/builder.h"
#include "trainer/models/pass.h"

namespace fusor {

// Without bias; padded so that stride 1 keeps the size.
class Conv2d {
 public:
  Conv2d(ModelBuilder& builder, const std::string& name, const ConvShape& shape);
  at::Tensor Forward(const at::Tensor& input, const Pass& pass) const;

 private:
  std::string name_;
  ConvShape shape_;
  at::Tensor weight_;
};

// Norm, and what usually follows it: ReLU, or the sum with another branch and ReLU.
class BatchNorm2d {
 public:
  BatchNorm2d(ModelBuilder& builder, const std::string& name, std::int64_t channels);
  at::Tensor Forward(const at::Tensor& input, const Pass& pass) const;
  at::Tensor ForwardRelu(const at::Tensor& input, const Pass& pass) const;
  at::Tensor ForwardAddRelu(const at::Tensor& input, const at::Tensor& branch,
                            const Pass& pass) const;

 private:
  bool Fuses(const at::Tensor& input, const Pass& pass) const;
  at::Tensor Fused(const at::Tensor& input, const at::Tensor& branch, bool relu,
                   const Pass& pass) const;

  std::string name_;
  at::Tensor weight_;
  at::Tensor bias_;
  at::Tensor mean_;
  at::Tensor variance_;
  at::Tensor batches_;
};

class Linear {
 public:
  // `separator` stands between the name and `weight` or `bias`.
  Linear(ModelBuilder& builder, const std::string& name, std::int64_t in, std::int64_t out,
         char separator = '.');
  // In the compute type.
  at::Tensor Forward(const at::Tensor& input, const Pass& pass) const;

 private:
  std::string name_;
  at::Tensor weight_;
  at::Tensor bias_;
};

// Over the last dimension; in and out in the masters' type.
class LayerNorm {
 public:
  LayerNorm(ModelBuilder& builder, const std::string& name, std::int64_t size);
  at::Tensor Forward(const at::Tensor& input, const Pass& pass) const;

 private:
  std::string name_;
  at::Tensor weight_;
  at::Tensor bias_;
};

// `name` is that of the layer before it.
at::Tensor Relu(const at::Tensor& input, const std::string& name, const Pass& pass);

// Means of 2x2 squares.
at::Tensor HalveByMeans(const at::Tensor& input, const std::string& name, const Pass& pass);

// [batch, channels, height, width] -> [batch, channels], in the masters' type: sums of 16-bit
// numbers would lose what the norms kept.
at::Tensor GlobalMean(const at::Tensor& input, const Pass& pass);

}  // namespace fusor
