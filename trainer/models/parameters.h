#pragma once

// The tensors of a model, by name, in the order in which they were declared: what is trained and
// what merely travels along (running statistics).

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

namespace fusor {

struct Parameter {
  std::string name;
  at::Tensor value;   // fp32 master, requires grad
  bool decay = true;  // weight decay applies: false for norms and biases
};

struct Buffer {
  std::string name;
  at::Tensor value;
};

struct ParameterSet {
  std::vector<Parameter> trained;
  std::vector<Buffer> buffers;

  std::int64_t Count() const {
    std::int64_t count = 0;
    for (const Parameter& parameter : trained) count += parameter.value.numel();
    return count;
  }
};

}  // namespace fusor
