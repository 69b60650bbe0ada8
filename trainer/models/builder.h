#pragma once

// Declares a model's tensors and gives them their initial values, drawn from (seed, name, index):
// the same whatever the order of declaration, the number of threads or the device. On the device
// `meta` tensors have shapes and nothing else.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

#include "trainer/models/parameters.h"

namespace fusor {

class ModelBuilder {
 public:
  // `master` is the type that parameters are kept in: Precision::master().
  ModelBuilder(ParameterSet& parameters, std::uint64_t seed, at::Device device,
               at::ScalarType master = at::kFloat)
      : parameters_(parameters), seed_(seed), device_(device), master_(master) {}

  // Kaiming normal for ReLU by fan-out, [out, in, size, size], channels last.
  at::Tensor ConvWeight(const std::string& name, std::int64_t out, std::int64_t in,
                        std::int64_t size);
  // Xavier uniform, [out, in].
  at::Tensor LinearWeight(const std::string& name, std::int64_t out, std::int64_t in);
  // Trained, without weight decay.
  at::Tensor Vector(const std::string& name, std::int64_t size, double value);
  // Not trained; of the masters' type, or int64 for a single count.
  at::Tensor Running(const std::string& name, std::int64_t size, double value);
  at::Tensor Counter(const std::string& name);

 private:
  at::Tensor Trained(const std::string& name, const at::Tensor& value, bool decay);

  ParameterSet& parameters_;
  const std::uint64_t seed_;
  const at::Device device_;
  const at::ScalarType master_;
};

}  // namespace fusor
