#include "trainer/fusion/fusion.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/stack.h>

#include <algorithm>

#include "common/base/check.h"
#include "common/recipe/suggest.h"
#include "trainer/fusion/attention.h"
#include "trainer/fusion/mixer.h"

namespace fusor {
namespace {

constexpr std::int64_t kHeadsMax = 8;
constexpr double kDropoutMax = 0.9;

// As many as divide the features, eight at best.
std::int64_t HeadsFor(std::int64_t feature_size) {
  std::int64_t heads = std::min(kHeadsMax, feature_size);
  while (feature_size % heads != 0) --heads;
  return heads;
}

class Multiplicative final : public Fusion {
 public:
  // `shift` is added to every normed feature.
  Multiplicative(ModelBuilder& builder, const FusionOptions& options, double shift)
      : shift_(shift),
        norms_(builder, options.experts, options.feature_size),
        mlp_(builder, "mlp", options.feature_size, options.feature_size, options.dropout) {}

  at::Tensor Forward(std::span<const at::Tensor> features, const Pass& pass) const override {
    std::vector<at::Tensor> factors = norms_.Forward(features, pass);
    if (shift_ != 0) {
      for (at::Tensor& factor : factors) factor = factor.add(shift_);
    }
    return mlp_.Forward(Product(factors), pass);
  }

 private:
  double shift_;
  ExpertNorms norms_;
  Mlp mlp_;
};

class MultiplicativeAddition final : public Fusion {
 public:
  MultiplicativeAddition(ModelBuilder& builder, const FusionOptions& options)
      : norms_(builder, options.experts, options.feature_size),
        sum_(builder, options.experts),
        mlp_(builder, "mlp", options.feature_size, options.feature_size, options.dropout) {}

  at::Tensor Forward(std::span<const at::Tensor> features, const Pass& pass) const override {
    const std::vector<at::Tensor> normed = norms_.Forward(features, pass);
    return mlp_.Forward(Product(normed).add(sum_.Forward(normed, pass)), pass);
  }

 private:
  ExpertNorms norms_;
  WeightedSum sum_;
  Mlp mlp_;
};

class SimpleAddition final : public Fusion {
 public:
  SimpleAddition(ModelBuilder& builder, const FusionOptions& options)
      : sum_(builder, options.experts),
        mlp_(builder, "mlp", options.feature_size, options.feature_size, options.dropout) {}

  at::Tensor Forward(std::span<const at::Tensor> features, const Pass& pass) const override {
    return mlp_.Forward(sum_.Forward(features, pass), pass);
  }

 private:
  WeightedSum sum_;
  Mlp mlp_;
};

class Concatenation final : public Fusion {
 public:
  Concatenation(ModelBuilder& builder, const FusionOptions& options)
      : norms_(builder, options.experts, options.feature_size),
        mlp_(builder, "mlp", options.experts * options.feature_size, options.feature_size,
             options.dropout) {}

  at::Tensor Forward(std::span<const at::Tensor> features, const Pass& pass) const override {
    return mlp_.Forward(at::cat(norms_.Forward(features, pass), 1), pass);
  }

 private:
  ExpertNorms norms_;
  Mlp mlp_;
};

// The experts are the tokens; neither a residual nor positions.
class Transformer final : public Fusion {
 public:
  Transformer(ModelBuilder& builder, const FusionOptions& options)
      : norms_(builder, options.experts, options.feature_size),
        attention_(builder, "attention", options.feature_size, HeadsFor(options.feature_size),
                   options.dropout),
        ffn_(builder, "ffn", options.feature_size, options.feature_size, options.dropout) {}

  at::Tensor Forward(std::span<const at::Tensor> features, const Pass& pass) const override {
    at::Tensor tokens = at::stack(norms_.Forward(features, pass), 1);
    return ffn_.Forward(attention_.Forward(tokens, pass).mean(1), pass);
  }

 private:
  ExpertNorms norms_;
  Attention attention_;
  Mlp ffn_;
};

}  // namespace

std::vector<std::string> FusionNames() {
  return {"multiplicative", "multiplicativeAddition", "TransformerBase",
          "concatenation",  "simpleAddition",         "multiplicativeShifted"};
}

Result<std::unique_ptr<Fusion>> MakeFusion(ModelBuilder& builder, const FusionOptions& options) {
  if (options.feature_size < 1 || options.experts < 1) {
    return InvalidArgument("fusion: it takes at least one expert with at least one feature");
  }
  if (!(options.dropout >= 0 && options.dropout <= kDropoutMax)) {
    return InvalidArgument("fusion: dropout must be from 0 to 0.9");
  }
  std::unique_ptr<Fusion> fusion;
  if (options.type == "multiplicative") {
    fusion = std::make_unique<Multiplicative>(builder, options, 0);
  } else if (options.type == "multiplicativeShifted") {
    fusion = std::make_unique<Multiplicative>(builder, options, 1);
  } else if (options.type == "multiplicativeAddition") {
    fusion = std::make_unique<MultiplicativeAddition>(builder, options);
  } else if (options.type == "simpleAddition") {
    fusion = std::make_unique<SimpleAddition>(builder, options);
  } else if (options.type == "concatenation") {
    fusion = std::make_unique<Concatenation>(builder, options);
  } else if (options.type == "TransformerBase") {
    fusion = std::make_unique<Transformer>(builder, options);
  } else {
    return InvalidArgument("fusion: " + NotOneOf(options.type, FusionNames()));
  }
  return fusion;
}

Adapters::Adapters(ModelBuilder& builder, std::span<const std::int64_t> feature_sizes,
                   std::int64_t target) {
  for (std::size_t k = 0; k < feature_sizes.size(); ++k) {
    layers_.emplace_back(builder, "adapters." + std::to_string(k), feature_sizes[k], target);
  }
}

std::vector<at::Tensor> Adapters::Forward(std::span<const at::Tensor> features,
                                          const Pass& pass) const {
  CHECK(features.size() == layers_.size());
  std::vector<at::Tensor> adapted;
  for (std::size_t k = 0; k < layers_.size(); ++k) {
    adapted.push_back(layers_[k].Forward(features[k], pass).to(pass.precision.master()));
  }
  return adapted;
}

}  // namespace fusor
