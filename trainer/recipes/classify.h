#pragma once

// Losses and scores of a classifier.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "trainer/contract/reporter.h"
#include "trainer/engine/task.h"

namespace fusor {

// Mean over the batch; of mixed samples with both labels, each with its weight.
at::Tensor MeanLoss(const at::Tensor& logits, const Batch& batch, double smoothing);
// The share that was predicted right; of mixed samples likewise weighed.
at::Tensor MeanAccuracy(const at::Tensor& logits, const Batch& batch);

// Sums over batches, so that a smaller last one weighs what it should.
class Score {
 public:
  void Add(const at::Tensor& logits, const at::Tensor& labels);
  double loss() const { return Mean(loss_); }
  double accuracy() const { return Mean(correct_); }

 private:
  double Mean(const at::Tensor& sum) const;

  at::Tensor loss_;
  at::Tensor correct_;
  std::int64_t count_ = 0;
};

}  // namespace fusor
