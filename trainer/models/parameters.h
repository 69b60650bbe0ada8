#pragma once

// The tensors of a model, by name, in the order in which they were declared: what is trained and
// what merely travels along (running statistics).

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <set>
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

// Drops the further names of tensors that have several (tied weights): what the first name says
// holds. `seen` has those of other parameters.
using SeenTensors = std::set<const c10::TensorImpl*>;
inline void DropTied(std::vector<Parameter>& parameters, SeenTensors& seen) {
  std::erase_if(parameters, [&](const Parameter& parameter) {
    return !seen.insert(parameter.value.unsafeGetTensorImpl()).second;
  });
}

struct ParameterSet {
  std::vector<Parameter> trained;
  std::vector<Buffer> buffers;

  // Numbers that are trained; those of a tied tensor once.
  std::int64_t Count() const {
    SeenTensors seen;
    std::int64_t count = 0;
    for (const Parameter& parameter : trained) {
      if (seen.insert(parameter.value.unsafeGetTensorImpl()).second) {
        count += parameter.value.numel();
      }
    }
    return count;
  }
};

}  // namespace fusor
