#pragma once

// The running statistics as they were before a step, for steps that are passed over: forward has
// moved them by then, with numbers that are not finite for good.

#include <vector>

#include "trainer/models/parameters.h"

namespace fusor {

class KeptBuffers {
 public:
  explicit KeptBuffers(const ParameterSet& parameters);

  void Keep();
  void Restore();

 private:
  std::vector<at::Tensor> live_;
  std::vector<at::Tensor> kept_;
};

}  // namespace fusor
