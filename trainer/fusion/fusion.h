#pragma once

// Fusions: from the features of several experts to one feature vector, which the global head
// classifies. The names are those that users know; d is the feature size, n the number of experts,
// MLP(in) = linear(in -> d), ReLU, dropout, linear(d -> d).
//
//   multiplicative          MLP(prod_k LN_k(f_k))
//   multiplicativeShifted   MLP(prod_k (LN_k(f_k) + 1))
//   multiplicativeAddition  MLP(prod_k LN_k(f_k) + sum_k softmax(w)_k LN_k(f_k))
//   simpleAddition          MLP(sum_k softmax(w)_k f_k)
//   concatenation           MLP(cat_k LN_k(f_k))
//   TransformerBase         MLP(mean_k attention(LN_1(f_1), ..., LN_n(f_n))_k)
//
// Tensor names: norms.{k}, expert_weights, attention, mlp.0 and mlp.3 (ffn.0 and ffn.3 for
// TransformerBase), as a Python module list and sequence would have them; docs/models.md.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "trainer/models/builder.h"
#include "trainer/models/layers.h"
#include "trainer/models/pass.h"

namespace fusor {

struct FusionOptions {
  std::string type = "multiplicative";
  std::int64_t feature_size = 0;
  std::int64_t experts = 4;
  double dropout = 0.2;
};

class Fusion {
 public:
  virtual ~Fusion() = default;

  // One [batch, feature_size] of each expert -> the same, in the masters' type.
  virtual at::Tensor Forward(std::span<const at::Tensor> features, const Pass& pass) const = 0;
};

// In the order in which people should read them.
std::vector<std::string> FusionNames();

Result<std::unique_ptr<Fusion>> MakeFusion(ModelBuilder& builder, const FusionOptions& options);

// Brings the features of experts of different architectures to one size: one linear layer each,
// `adapters.{k}`.
class Adapters {
 public:
  Adapters(ModelBuilder& builder, std::span<const std::int64_t> feature_sizes, std::int64_t target);

  std::vector<at::Tensor> Forward(std::span<const at::Tensor> features, const Pass& pass) const;

 private:
  std::vector<Linear> layers_;
};

// The classifier of fused features, `global_head`.
class GlobalHead {
 public:
  GlobalHead(ModelBuilder& builder, std::int64_t feature_size, std::int64_t classes)
      : layer_(builder, "global_head", feature_size, classes) {}

  // Logits in the masters' type.
  at::Tensor Forward(const at::Tensor& features, const Pass& pass) const {
    return layer_.Forward(features, pass).to(pass.precision.master());
  }

 private:
  Linear layer_;
};

}  // namespace fusor
