#pragma once

// An image classifier: [batch, 3, height, width] -> features and logits. Its tensors stand in the
// ParameterSet that it was built into, under the names of docs/models.md.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>

#include "common/base/status.h"
#include "common/recipe/network_options.h"
#include "trainer/models/builder.h"
#include "trainer/models/pass.h"

namespace fusor {

// Both in the masters' type.
struct NetworkOutput {
  at::Tensor features;  // [batch, feature_size]
  at::Tensor logits;    // [batch, classes]
};

class Network {
 public:
  virtual ~Network() = default;

  virtual NetworkOutput Forward(const at::Tensor& images, const Pass& pass) const = 0;
  virtual std::int64_t feature_size() const = 0;
};

// Refuses what CompleteOptions() refuses.
Result<std::unique_ptr<Network>> MakeNetwork(ModelBuilder& builder, const NetworkOptions& options);

}  // namespace fusor
