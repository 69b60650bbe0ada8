#pragma once

// The parts that fusions share.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "trainer/models/builder.h"
#include "trainer/models/dropout.h"
#include "trainer/models/layers.h"
#include "trainer/models/pass.h"

namespace fusor {

// linear, ReLU, dropout, linear: `name`.0 and `name`.3.
class Mlp {
 public:
  Mlp(ModelBuilder& builder, const std::string& name, std::int64_t in, std::int64_t out,
      double dropout);

  // In the masters' type.
  at::Tensor Forward(const at::Tensor& input, const Pass& pass) const;

 private:
  std::string name_;
  Linear first_;
  Dropout dropout_;
  Linear second_;
};

// One layer norm for each expert: `norms`.{k}.
class ExpertNorms {
 public:
  ExpertNorms(ModelBuilder& builder, std::int64_t experts, std::int64_t size);

  std::vector<at::Tensor> Forward(std::span<const at::Tensor> features, const Pass& pass) const;

 private:
  std::vector<LayerNorm> norms_;
};

// A sum whose weights are trained, positive, and one together: `expert_weights` before softmax.
class WeightedSum {
 public:
  WeightedSum(ModelBuilder& builder, std::int64_t experts);

  at::Tensor Forward(std::span<const at::Tensor> features, const Pass& pass) const;

 private:
  at::Tensor weights_;
};

// Element by element.
at::Tensor Product(std::span<const at::Tensor> factors);

}  // namespace fusor
