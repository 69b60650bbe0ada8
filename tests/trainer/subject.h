#pragma once

// A network or a fusion under comparison: built from a text, run on given inputs, everything that
// can be compared collected.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "trainer/fusion/fusion.h"
#include "trainer/models/network.h"
#include "trainer/models/parameters.h"
#include "trainer/models/pass.h"

namespace fusor::testing {

class Subject {
 public:
  // "model=resnet depth=10 ..." or "fusion=concatenation feature_size=16 ...".
  static Result<std::unique_ptr<Subject>> Make(const std::string& options,
                                               const Precision& precision);

  ParameterSet& parameters() { return parameters_; }
  // A network gives logits and features of its one input, a fusion one tensor.
  std::vector<at::Tensor> Forward(const std::vector<at::Tensor>& inputs, const Pass& pass) const;

 private:
  ParameterSet parameters_;
  std::unique_ptr<Network> network_;
  std::unique_ptr<Fusion> fusion_;
};

// The values of tests/peers/draws.py, in fp32.
at::Tensor Filled(const std::string& name, at::IntArrayRef shape);
at::Tensor FilledInput(const std::string& name, at::IntArrayRef shape);
at::Tensor Digest(const std::string& name, const at::Tensor& tensor);

// Gives every tensor the value of its name; counts of batches become 0.
void Fill(ParameterSet& parameters);

}  // namespace fusor::testing
