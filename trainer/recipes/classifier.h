#pragma once

// What a task whose model chooses among classes offers beyond training: its answers themselves.

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "trainer/engine/task.h"

namespace fusor {

// Samples `first` up to but not including `end`, or the last one.
struct SampleRange {
  std::size_t first = 0;
  std::size_t end = std::numeric_limits<std::size_t>::max();
};

class Classifier {
 public:
  virtual ~Classifier() = default;

  virtual int classes() const = 0;
  // What gives an answer of its own: "expert_2", or "fusion" and each of its experts. Task::Prepare
  // or Build comes first.
  virtual std::vector<std::string> heads() const = 0;
  // Builds the model alone, of a data set that need not be there.
  virtual Status Build() = 0;
  // The logits of each head. Gradients are off.
  virtual std::vector<at::Tensor> Answer(const at::Tensor& inputs) = 0;

  using UseAnswers =
      std::function<void(const std::vector<at::Tensor>& logits, const at::Tensor& labels)>;
  // Of a split's samples, batch by batch, in their order.
  virtual void ForEachAnswer(Split split, SampleRange range, const UseAnswers& use) = 0;
};

}  // namespace fusor
